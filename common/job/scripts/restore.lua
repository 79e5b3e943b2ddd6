-- restore(taker, generation, job_id, says, epoch, attempt, account, mode, publish_id, at:int, end_state, post_id, post_url, code, cause, remedy, log_id, source, aborted, commands, voids, said, due:int, expires:int, told:int) conf(unsure.slot_ms, poll.horizon_ms, topics.jobs_retention_ms) flags(allow-oom) gate(taken)
-- What the journal says of a job, put into Redis. says: nothing, unsure, processing, end. What Redis still holds of the
-- job counts as one more attempt or end: the newer epoch decides, and for the same one whoever knows more. Tells nobody.
-- commands: the ids of the journal's commands for it, which count as applied (a '!' before those refused). voids: what
-- retries acted on, `epoch/state/publish id` each, by the rules of replay.h: for the image, too. said: 'cancel' or
-- 'resolve' when that is the end. told: time of the newest reschedule; 0: none. source: of the message that the attempt
-- or end is of; a job that is here as another one is given its facts when ingest, or the journal, comes to that message.
-- An end is put into a Redis that lost it for job.keep_ms, and for as long again as the jobs topic may still bring a
-- second message of its id (twice its retention, at most job.keep_ms).
-- OK, the state that the job is in now ('' when it is not there)

-- epochs part by part as numbers, without arithmetic
local function newer(a, b)
    if b == '' then
        return a ~= ''
    end
    local a1, a2 = string.match(a, '^(%d+)-(%d+)$')
    local b1, b2 = string.match(b, '^(%d+)-(%d+)$')
    if not a1 then
        return false
    end
    if #a1 ~= #b1 then
        return #a1 > #b1
    elseif a1 ~= b1 then
        return a1 > b1
    elseif #a2 ~= #b2 then
        return #a2 > #b2
    end
    return a2 > b2
end

-- which end of one attempt stands against which, as in replay_verdict.c
local RANK = { REJECTED = 0, FAILED = 1, CANCELLED = 2, EXPIRED = 2, IN_INBOX = 3, PUBLISHED = 4 }

local KNOWS = { ['nothing'] = 0, ['unsure'] = 1, ['processing'] = 2, ['end'] = 3 }

local job = load(job_id)
local have, have_epoch = 'nothing', ''
if job then
    if IS_END[job.state] then
        have = 'end'
    elseif job.state == 'PROCESSING' or (job.state == 'SENDING' or job.state == 'UNSURE') and job.publish_id ~= '' then
        have = 'processing'
    elseif job.state == 'SENDING' or job.state == 'UNSURE' then
        have = 'unsure'
    end
    if have ~= 'nothing' then
        have_epoch = job.attempt_epoch ~= '' and job.attempt_epoch or '0-0'
    end
    -- a publish id is TikTok's word: nothing takes that back
    if have == 'unsure' and string.find(' ' .. aborted .. ' ', ' ' .. have_epoch .. ' ', 1, true) then
        have, have_epoch = 'nothing', ''
    end
    -- a good message has replaced the one that was rejected: its watermark has passed, and nobody reads it again
    if says == 'end' and end_state == 'REJECTED' and not IS_END[job.state] and source ~= '' and job.source ~= ''
        and job.source ~= source and not newer(epoch, job.attempt_epoch ~= '' and job.attempt_epoch or '0-0') then
        says, epoch, publish_id, at = 'nothing', '', '', 0
    end
end
-- what a retry acted on is not there any more, wherever it is still remembered
local function is_void()
    for target, of, id in string.gmatch(voids, '([%d-]+)/(%u+)/(%S*)') do
        if have == 'end' then
            if job.state == 'FAILED' and target == have_epoch and of ~= 'POLICY' then
                return true
            end
        elseif of == 'FAILED' then
            if not newer(have_epoch, target) then
                return true
            end
        elseif target == have_epoch and (job.publish_id == '' or job.publish_id == id) then
            return true
        end
    end
    return false
end
local voided = have ~= 'nothing' and is_void()
if voided then
    have, have_epoch = 'nothing', ''
end

-- the ids, and another moment, whether the job is here yet or not
local function tell_commands()
    local key = P .. 'job:' .. job_id
    local now_here = load(job_id)
    if commands ~= '' then
        remember(job_id, commands)
    end
    if told > 0 and (tonumber(redis.call('HGET', key, 't_told') or '') or 0) < told then
        local at = string.format('%.0f', told)
        if now_here and now_here.state == 'QUEUED' then
            reschedule(now_here, due, expires, at)
        else
            redis.call('HSET', key, 'due_told', due, 'expires_told', expires, 't_told', at)
        end
    end
    if not now_here and (commands ~= '' or told > 0) then
        redis.call('PEXPIRE', key, job_keep_ms)
    end
end

local function knows_as_much()
    if have == 'end' and says == 'end' then
        return RANK[job.state] >= (RANK[end_state] or 2)
    end
    return KNOWS[have] >= KNOWS[says]
end
-- a person retried that end, as Redis knows; the journal's tail need not
local retried = job and redis.call('HGET', P .. 'job:' .. job_id, 'retried') or ''
if retried ~= '' and says ~= 'nothing' and not newer(epoch, retried) and (says ~= 'end' or end_state == 'FAILED') then
    says, epoch, publish_id, at = 'nothing', '', '', 0
end
local stays = newer(have_epoch, epoch) or have_epoch ~= '' and have_epoch == epoch and knows_as_much()
if said == 'resolve' and have_epoch == epoch and job.publish_id ~= '' and job.publish_id ~= publish_id then
    -- TikTok's answer came before a person's word about a doubt without it
    stays = true
end
if stays and job.state ~= 'SENDING' then
    tell_commands()
    return { 'OK', job.state }
end
gate[3] = generation

local remembered = job_keep_ms + math.min(job_keep_ms, 2 * topics_jobs_retention_ms)
if not job and says == 'end' and at > 0 and at + remembered < now then
    return { 'OK', '' }
end

local set, to = {}, 'QUEUED'
if stays then
    -- since when, the journal does not say: its word is of another attempt
    says, at = have, 0
    set.publish_id = job.publish_id
elseif says ~= 'nothing' then
    set.attempt_epoch, set.publish_id = epoch, publish_id
    if attempt ~= '' then
        set.attempt = attempt
    end
end
if says == 'nothing' then
    if not job or not voided and (job.state ~= 'CLAIMED' and have == 'nothing' and job.state ~= 'SENDING'
        and job.state ~= 'UNSURE') then
        tell_commands()
        return { 'OK', job and job.state or '' }
    end
    if voided then
        set.publish_id, set.t_due, set.error_code, set.error_cause, set.error_remedy = '', 0, '', '', ''
    end
    set.error_code, set.error_cause, set.error_remedy = '', '', ''
elseif says == 'end' then
    to = end_state
    for field, value in pairs({ post_id = post_id, post_url = post_url, error_code = code, error_cause = cause,
        error_remedy = remedy, log_id = log_id }) do
        set[field] = value
    end
    if SAID[code] and cause == '' then
        set.error_cause, set.error_remedy = SAID[code][1], SAID[code][2]
    end
elseif says == 'processing' then
    to = 'PROCESSING'
    set.t_accepted = at > 0 and at or now
    set.looks = 0
    set.error_code, set.error_cause, set.error_remedy = '', '', ''
else
    to = 'UNSURE'
    set.t_unsure = at > 0 and at or now
    if not stays then
        set.t_sending = at > 0 and at or ''
    end
    set.error_code = 'redis_forgot'
    set.error_cause = 'Redis forgot this job while TikTok may have been publishing it, and no answer is in the journal.'
    set.error_remedy = 'Look at the account on TikTok: resolve the job as posted, or send it again.'
end
if job and says ~= 'nothing' and not stays and source ~= '' and job.source ~= source then
    -- it is of another message than the one that is known here (REJECTED, and replaced): ingest reads that one again
    set.source, set.hash = source, ''
    redis.call('DEL', P .. 'message:' .. job_id)
end
if not job then
    job = blank(job_id)
    set.v = 1
    set.account, set.account_text, set.kind = account, account, mode ~= '' and mode or 'direct'
    if source ~= '' then
        set.source = source
    end
    job.account, job.account_text, job.kind = account, account, set.kind
elseif job.account == '' and IN_FLIGHT[to] then
    set.account = account
end
if job.state == 'CLAIMED' and epoch ~= job.attempt_epoch then
    -- that claim sent nothing: it counts nowhere
    unstamp(job.account, 'init', job.attempt_epoch)
end
if to == 'QUEUED' or job.state == 'CLAIMED' and epoch ~= job.attempt_epoch and job.kind ~= 'draft' then
    uncount(job)
end
set.epoch = new_epoch()
local in_slots = redis.call('ZSCORE', P .. 'slots', job_id)
local was = job.state
put(job, to, 'REPLAY', taker, set)
if IN_FLIGHT[to] then
    local age = now - (at > 0 and at or now)
    local keeps = to == 'UNSURE' and age < unsure_slot_ms or to == 'PROCESSING' and age < poll_horizon_ms
    if keeps and (in_slots or not IN_FLIGHT[was]) then
        redis.call('ZADD', P .. 'slots', at > 0 and at or now, job_id)
        redis.call('SADD', P .. 'flying:' .. job.account, job_id)
    end
    if to == 'UNSURE' and at > 0 then
        redis.call('ZADD', P .. 'unsure', at, job_id)
    end
end
if to == 'PROCESSING' then
    redis.call('ZADD', P .. 'polls', now, job_id)
    redis.call('SET', P .. 'publish:' .. job.publish_id, job_id, 'PX', string.format('%.0f', job_keep_ms))
elseif IS_END[to] and at > 0 then
    local lives = at + job_keep_ms > now and job_keep_ms or remembered
    local left = string.format('%.0f', math.max(1000, at + lives - now))
    redis.call('PEXPIRE', P .. 'job:' .. job_id, left)
    redis.call('HSET', P .. 'job:' .. job_id, 't_end', at)
    if (to == 'IN_INBOX' or to == 'PUBLISHED' and post_id == '') and job.publish_id ~= '' and at > now - poll_horizon_ms then
        -- its public id, or its owner's decision, is still to come: after those that have no end
        redis.call('HSET', P .. 'job:' .. job_id, 't_accepted', at, 'looks', 0)
        redis.call('ZADD', P .. 'polls', now + 60000, job_id)
    end
    redis.call('ZADD', P .. 'state:' .. to, at, job_id)
end
tell_commands()
return { 'OK', to }
