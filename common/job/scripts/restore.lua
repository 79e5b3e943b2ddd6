-- restore(taker, generation, job_id, says, epoch, attempt, account, mode, publish_id, at:int, end_state, post_id, post_url, code, cause, remedy, log_id, source, aborted) conf(unsure.slot_ms, poll.horizon_ms) flags(allow-oom) gate(taken)
-- What the journal says of a job, put into Redis. says: nothing, unsure, processing, end. What Redis still holds of the
-- job counts as one more attempt or end: the newer epoch decides, and for the same one whoever knows more. Tells nobody.
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
    if have ~= 'end' and have_epoch ~= '' and string.find(' ' .. aborted .. ' ', ' ' .. have_epoch .. ' ', 1, true) then
        have, have_epoch = 'nothing', ''
    end
end
local stays = newer(have_epoch, epoch) or have_epoch ~= '' and have_epoch == epoch and KNOWS[have] >= KNOWS[says]
if stays and job.state ~= 'SENDING' then
    return { 'OK', job.state }
end
gate[3] = generation

local set, to = {}, 'QUEUED'
if stays then
    says = have
    set.publish_id = job.publish_id
elseif says ~= 'nothing' then
    set.attempt_epoch, set.publish_id = epoch, publish_id
    if attempt ~= '' then
        set.attempt = attempt
    end
end
if says == 'nothing' then
    if not job or (job.state ~= 'CLAIMED' and have == 'nothing' and job.state ~= 'SENDING' and job.state ~= 'UNSURE') then
        return { 'OK', job and job.state or '' }
    end
elseif says == 'end' then
    to = end_state
    for field, value in pairs({ post_id = post_id, post_url = post_url, error_code = code, error_cause = cause,
        error_remedy = remedy, log_id = log_id }) do
        set[field] = value
    end
elseif says == 'processing' then
    to = 'PROCESSING'
    set.t_accepted = at > 0 and at or now
    set.looks = 0
else
    to = 'UNSURE'
    set.t_unsure = at > 0 and at or now
    set.error_code = 'redis_forgot'
    set.error_cause = 'Redis forgot this job while TikTok may have been publishing it, and no answer is in the journal.'
    set.error_remedy = 'Look at the account on TikTok: resolve the job as posted, or send it again.'
end
if not job then
    job = { id = job_id, state = 'NONE' }
    for _, name in ipairs(FIELDS) do
        job[name] = job[name] or ''
    end
    set.v = 1
    set.account, set.account_text, set.kind = account, account, mode ~= '' and mode or 'direct'
    if source ~= '' then
        set.source = source
    end
    job.account, job.account_text, job.kind = account, account, set.kind
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
    local left = string.format('%.0f', math.max(1000, at + job_keep_ms - now))
    redis.call('PEXPIRE', P .. 'job:' .. job_id, left)
    redis.call('HSET', P .. 'job:' .. job_id, 't_end', at)
    redis.call('ZADD', P .. 'state:' .. to, at, job_id)
end
return { 'OK', to }
