-- command(mode, partition, shown, next_offset, timestamp:int, crc, id, what, job_id, account, state, epoch, publish_id, due:int, expires:int, outcome, post_id, post_url, reason, refused, commander, taker, by) flags(allow-oom) gate(either)
-- A command of <fleet>.jobs. mode `look`: what would come of it, nothing is written. `do`: does it and moves the
-- partition's watermark, all or nothing. `refused`: its refusal is in the journal, only the watermark moves.
-- shown: what the watermark must show, whole, else FENCED with what it shows. partition '': no watermark (the
-- gate's replay). state, epoch: of the doubt or end that a retry or a resolve acts on (`look`: state '').
-- The job remembers the ids that were done or refused, the account (or the fleet) those of pause and resume, which are
-- ordered by the time of their messages.
-- OK KNOWN · OK READY state attempt_epoch t_message source message · OK what became of it ·
-- STATE state why it is refused (NONE: there is no such job or account)
local mark = partition ~= '' and redis.call('HGET', P .. 'watermark', partition) or ''
if mark ~= shown then
    return { 'FENCED', mark }
end
local function done(word, ...)
    if partition ~= '' and mode ~= 'look' then
        redis.call('HSET', P .. 'watermark', partition, next_offset .. ' ' .. string.format('%.0f', timestamp) .. ' '
            .. crc)
    end
    return { 'OK', word, ... }
end

-- of a topic without LogAppendTime it is what the sender wrote: a time to come would outlast what is commanded later
local said_at = math.min(timestamp, now)

-- ---- the fleet, or an account

local function pause(key, open_id)
    local last = redis.call('HMGET', key, 'pause_at', 'pause_ids')
    local is_done = string.find(' ' .. (last[2] or '') .. ' ', ' ' .. id .. ' ', 1, true)
    local is_old = (tonumber(last[1] or '') or 0) > said_at
    if mode == 'look' then
        return (is_done or is_old) and done('KNOWN') or done('READY', '', '', '', '', '')
    end
    -- also one that comes too late: sent once more, it has a newer message
    remember_in(key, 'pause_ids', id)
    if is_done or is_old then
        return done('KNOWN')
    end
    redis.call('HSET', key, 'pause_at', string.format('%.0f', said_at), 'pause_id', id)
    if what == 'pause' then
        redis.call('HSET', key, 'paused', string.format('%.0f', said_at), 'paused_why', reason, 'paused_by', commander)
    else
        redis.call('HDEL', key, 'paused', 'paused_why', 'paused_by')
    end
    if open_id ~= '' and what == 'pause' then
        redis.call('ZREM', P .. 'ready', open_id)
    elseif open_id ~= '' then
        wake(open_id)
    end
    local name = what == 'pause' and 'PAUSED' or 'RESUMED'
    if taker == '' then
        redis.call('XADD', P .. 'events', 'MAXLEN', '~', events_kept, '*', 'job_id', '', 'name', name, 'at', now,
            'account', open_id, 'why', reason)
    end
    return done(name)
end

if what == 'pause' or what == 'resume' then
    local open_id = account
    if mode == 'refused' then
        return done('REFUSED')
    elseif account == '' then
        return pause(P .. 'breaker', '')
    elseif string.sub(account, 1, 1) == '@' then
        open_id = redis.call('HGET', P .. 'alias', account) or ''
    end
    if open_id == '' or redis.call('EXISTS', P .. 'account:' .. open_id) == 0 then
        return { 'STATE', 'NONE', 'there is no account ' .. account }
    end
    return pause(P .. 'account:' .. open_id, open_id)
end

-- ---- a job

local remembered = ' ' .. (redis.call('HGET', P .. 'job:' .. job_id, 'commands') or '') .. ' '
if string.find(remembered, ' ' .. id .. ' ', 1, true) or string.find(remembered, ' !' .. id .. ' ', 1, true) then
    return done('KNOWN')
end
local job = load(job_id)
if mode == 'refused' then
    if job then
        remember(job_id, '!' .. id)
        note(job, job.state, 'REFUSED', job.state, commander, what .. ': ' .. refused)
    end
    return done('REFUSED')
elseif not job then
    return { 'STATE', 'NONE', 'there is no job ' .. job_id }
end

local attempt = job.attempt_epoch ~= '' and job.attempt_epoch or '0-0'
local event = ({ cancel = 'CANCEL', retry = 'RETRY', resolve = outcome == 'failed' and 'FAIL' or 'FOUND' })[what]

-- the attempt that a retry or a resolve names is the one that the job stands at
local function is_another()
    if epoch ~= attempt then
        return 'it names attempt ' .. epoch .. ', and the job is at ' .. attempt .. ', ' .. job.state
    elseif state ~= '' and state ~= job.state then
        return 'the job was ' .. state .. ' when it was looked at, and is ' .. job.state
    elseif publish_id ~= job.publish_id and (job.state == 'UNSURE' or publish_id ~= '') then
        return 'it names ' .. (publish_id ~= '' and 'publish id ' .. publish_id or 'no publish id') .. ', and attempt '
            .. attempt .. ' has ' .. (job.publish_id ~= '' and job.publish_id or 'none')
    end
end

local function why_not()
    if partition ~= '' and timestamp < now - job_keep_ms then
        -- read again after all of its job is forgotten: the id may be another job's by now
        return 'it is older than ends of jobs are remembered'
    elseif what == 'cancel' then
        return not arrow(job.state, event) and 'the job is ' .. job.state
            .. ': only what waits, or was claimed and not yet sent, can be cancelled'
    elseif what == 'reschedule' then
        local ends = expires > 0 and expires or tonumber(job.t_expires) or 0
        if job.state ~= 'QUEUED' then
            return 'the job is ' .. job.state .. ': only what waits can be rescheduled'
        end
        return ends > 0 and ends <= due and 'it would expire before it is due'
    elseif what == 'resolve' and job.state ~= 'UNSURE' then
        return 'the job is ' .. job.state .. ' at attempt ' .. attempt .. ': only a doubt (UNSURE) can be resolved'
    elseif not arrow(job.state, event) then
        return 'the job is ' .. job.state .. ' at attempt ' .. attempt .. ': only FAILED and UNSURE can be retried'
    elseif is_another() then
        return is_another()
    elseif what == 'retry' and redis.call('EXISTS', P .. 'message:' .. job_id) == 0 then
        return 'its message is not kept any more: send it under a new job_id'
    elseif what == 'retry' and (tonumber(job.t_expires) or 0) > 0 and tonumber(job.t_expires) <= now then
        return 'its expires_at has passed: send it under a new job_id'
    end
end

local why = why_not()
if why then
    return { 'STATE', job.state, why }
elseif mode == 'look' then
    return done('READY', job.state, attempt, job.t_message, job.source,
        what == 'reschedule' and redis.call('GET', P .. 'message:' .. job_id) or '')
end

-- everything is checked
remember(job_id, id)
if what == 'reschedule' then
    if (tonumber(redis.call('HGET', P .. 'job:' .. job_id, 't_told') or '') or 0) <= said_at then
        reschedule(job, due, expires, string.format('%.0f', said_at))
        note(job, 'QUEUED', 'RESCHEDULE', 'QUEUED', commander, reason)
    end
    return done('QUEUED')
end
local set = { error_code = '', error_cause = '', error_remedy = '' }
local code = what == 'cancel' and 'cancelled' or what == 'resolve' and outcome == 'failed' and 'resolved_failed'
if code then
    set.error_code, set.error_cause, set.error_remedy = code, SAID[code][1], SAID[code][2]
    if reason ~= '' then
        set.error_cause = set.error_cause .. ' Why: ' .. reason
    end
end
if what == 'cancel' and job.state ~= 'QUEUED' then
    -- a worker that holds it is fenced
    unstamp(job.account, 'init', job.attempt_epoch)
    uncount(job)
    set.epoch = new_epoch()
elseif what == 'retry' then
    -- what may have been published counts on in the account's limits
    set.publish_id, set.t_due, set.retries = '', 0, 0
    set.doubt_retried = job.state == 'UNSURE' and job.publish_id == '' and attempt or ''
    if job.state == 'FAILED' then
        -- a gate that reads only the journal's tail may meet the end, and not this
        set.retried = attempt
    end
elseif what == 'resolve' then
    set.epoch = new_epoch()
    if outcome == 'failed' then
        uncount(job)
    end
    for field, value in pairs({ post_id = post_id, post_url = post_url }) do
        if value ~= '' then
            set[field] = value
        end
    end
end
move(job, event, commander, set)
return done(job.state)
