-- ingest(partition, shown, next_offset, timestamp:int, crc, verdict, job_id, account, hash, message, kind, media, privacy, due:int, expires:int, priority:int, on_unsure, metadata, warnings, source, code, cause, remedy, taker, by) conf(limit.queued, job.account_wait_ms) gate(either)
-- One message of <fleet>.jobs: stores the job, schedules it and moves the partition's watermark, all or nothing.
-- shown: what the watermark must show, whole ('offset timestamp crc'; '' for none), else FENCED with what it shows and
-- nothing is done. The offset alone would fit a topic made anew.
-- verdict: job | bad (its id, when new, is REJECTED) | skip (only the watermark moves). A job of the topic that is older
-- than the end records live is EXPIRED, by Redis' clock: that of a worker may be off by years, and this is for good.
-- partition '': no watermark (the taker of the gate, with a message of the journal).
-- OK, what became of it · STATE state source t_message message: other content under a known id, whose job is that: a dead
-- letter first, then again with `skip`.
local mark = partition ~= '' and redis.call('HGET', P .. 'watermark', partition) or ''
if mark ~= shown then
    return { 'FENCED', mark }
end
local function done(what)
    if partition ~= '' then
        redis.call('HSET', P .. 'watermark', partition, next_offset .. ' ' .. text(timestamp) .. ' '
            .. crc)
    end
    return { 'OK', what }
end
if verdict == 'skip' or job_id == '' then
    return done('SKIPPED')
end
-- Of a topic without LogAppendTime it is what the sender wrote: a time to come would free an id that is taken, and put the
-- job beyond the end of its queue. The watermark keeps it as it is, to be compared.
local sent_at = math.min(timestamp, now)
if verdict == 'job' and partition ~= '' and timestamp < now - job_keep_ms then
    verdict, code = 'old', 'too_old'
    cause = 'The message is older than the records of ended jobs: whether it was posted before is not known.'
    remedy = 'Look at the account on TikTok; if it is not there, send it under a new job_id.'
end

-- with what commands said of it before it was here (the gate's replay), or before it was replaced
local told = redis.call('HMGET', P .. 'job:' .. job_id, 'due_told', 'expires_told', 'commands', 'state')
local known = told[4] and load(job_id)
if known and IS_END[known.state] and verdict == 'job' then
    local ended = tonumber(redis.call('HGET', P .. 'job:' .. job_id, 't_end') or '')
    if ended and ended + job_keep_ms < sent_at then
        -- the id was free again when this message came: its end is here only for what came before
        redis.call('DEL', P .. 'job:' .. job_id, P .. 'message:' .. job_id, P .. 'log:' .. job_id)
        redis.call('ZREM', P .. 'state:' .. known.state, job_id)
        redis.call('ZREM', P .. 'polls', job_id)
        redis.call('HINCRBY', P .. 'count', known.state, -1)
        known, told = nil, {}
    end
end
if told[1] and (not known or known.hash == '') then
    due = tonumber(told[1])
    expires = tonumber(told[2]) > 0 and tonumber(told[2]) or expires
end
if known and known.hash == '' and verdict == 'job' and known.state ~= 'REJECTED' then
    -- made of the journal, which knows what became of it but not what it was
    if known.source == '' or known.source == source then
        redis.call('HSET', P .. 'job:' .. job_id, 'account_text', account, 'kind', kind, 'media', media, 't_message',
            sent_at, 'source', source, 'hash', hash, 'priority', priority, 'on_unsure', on_unsure, 'privacy', privacy,
            'metadata', metadata, 't_expires', expires > 0 and expires or '')
        if known.state == 'QUEUED' and expires > 0 then
            redis.call('ZADD', P .. 'delayed', 'LT', expires, job_id)
        end
        if not IS_END[known.state] then
            redis.call('SET', P .. 'message:' .. job_id, message)
        elseif known.state == 'FAILED' then
            -- a person may want it tried again
            local ended = tonumber(redis.call('HGET', P .. 'job:' .. job_id, 't_end') or '') or now
            if ended + job_keep_message_ms > now then
                redis.call('SET', P .. 'message:' .. job_id, message, 'PXAT',
                    string.format('%.0f', ended + job_keep_message_ms))
            end
        end
    end
    return done('KNOWN')
end
-- A REJECTED job is replaced by another message, but by none that was REJECTED before it: what stands before it in its
-- partition is read again after Redis was emptied. (Of a topic made anew, it is of later than the end.) Of one of another
-- partition nobody knows whether it was read before, and it may be a job that waited: none is lost.
local function replaces()
    if known.state ~= 'REJECTED' or verdict ~= 'job' or known.source == source then
        return false
    end
    local known_in, known_at = string.match(known.source, '^(.*)@(%d+)$')
    local this_in, this_at = string.match(source, '^(.*)@(%d+)$')
    if not known_in or known_in ~= this_in or tonumber(this_at) > tonumber(known_at) then
        return true
    end
    return sent_at > (tonumber(redis.call('HGET', P .. 'job:' .. job_id, 't_end') or '') or 0)
end
if known and not replaces() then
    if verdict == 'job' and known.hash ~= hash and known.source ~= source then
        return { 'STATE', known.state, known.source or '', known.t_message or '',
            redis.call('GET', P .. 'message:' .. job_id) or '' }
    end
    return done('KNOWN')
end

local open_id = ''
if string.sub(account, 1, 1) == '@' then
    open_id = redis.call('HGET', P .. 'alias', account) or ''
elseif redis.call('EXISTS', P .. 'account:' .. account) == 1 then
    open_id = account
end
local event = verdict == 'bad' and 'BAD' or verdict == 'old' and 'TOO_OLD' or 'INGEST'
if event == 'INGEST' then
    local waiting = open_id ~= '' and tonumber(redis.call('HGET', P .. 'account:' .. open_id, 'queued') or '0')
        or open_id == '' and redis.call('ZCARD', P .. 'unknown:' .. account) or 0
    if waiting >= limit_queued then
        if known then
            return done('KNOWN')
        end
        event, code = 'BAD', 'account_full'
        cause = 'The account has ' .. string.format('%d', waiting) .. ' jobs waiting, which is the bound.'
        remedy = 'Send fewer jobs for it at a time, or raise TOKFLEET_LIMIT_QUEUED, and send this one under a new job_id.'
    end
end

local job = blank(job_id)
job.is_new = not known and not told[1] and not told[3]
local set = { account = open_id, account_text = account, kind = kind, media = media, t_message = sent_at,
    t_ingested = NOW, source = source, hash = hash, priority = priority, on_unsure = on_unsure, v = 1 }
for name, value in pairs({ privacy = privacy, metadata = metadata, warnings = warnings, error_code = code,
    error_cause = cause, error_remedy = remedy }) do
    if value ~= '' then
        set[name] = value
    end
end
if due > 0 then
    set.t_due = due
end
if expires > 0 then
    set.t_expires = expires
elseif event == 'INGEST' and open_id == '' then
    set.t_account_until = now + job_account_wait_ms
end
if known then
    -- replaced: all that is left of it is that there were attempts
    redis.call('DEL', P .. 'job:' .. job_id)
    job.state = known.state
    for _, name in ipairs({ 'attempt', 'epoch', 'attempt_epoch' }) do
        set[name] = known[name] ~= '' and known[name] or nil
    end
    set.commands = told[3] or nil
end
-- places are found by these, before move() sets them
job.account, job.account_text, job.kind = open_id, account, kind
if event == 'INGEST' then
    redis.call('SET', P .. 'message:' .. job_id, message)
end
move(job, event, by, set)
return done(job.state)
