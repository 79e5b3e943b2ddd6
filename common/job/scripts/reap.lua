-- reap(poller, count:int) conf(unsure.slot_ms) flags(allow-oom)
-- Leases that ended: CLAIMED goes back to the queue (with INTENT_ABORTED of its attempt), SENDING with a publish id is
-- PROCESSING, without one UNSURE, never QUEUED. UNSURE jobs that held their slot long enough give it back.
-- OK, how many leases, how many slots
local leases = redis.call('ZRANGE', P .. 'leases', '-inf', now, 'BYSCORE', 'LIMIT', 0, count)
for _, id in ipairs(leases) do
    local job = load(id)
    if not job or (job.state ~= 'CLAIMED' and job.state ~= 'SENDING') then
        redis.call('ZREM', P .. 'leases', id)
    elseif job.state == 'CLAIMED' then
        local attempt = job.attempt_epoch
        unstamp(job.account, 'init', attempt)
        uncount(job)
        redis.call('XADD', P .. 'outbox', '*', 'job_id', id, 'epoch', attempt, 'name', 'INTENT_ABORTED', 'at', now,
            'account', job.account, 'attempt', job.attempt, 'source', job.source, 'by', poller, 'error_code', 'lease_ended')
        move(job, 'LEASE_END', poller, { epoch = new_epoch(), error_code = 'lease_ended',
            error_cause = 'Its worker stopped before anything was sent.', error_remedy = 'Nothing: it is tried again.' })
    elseif job.publish_id ~= '' then
        move(job, 'FOUND', poller, { epoch = new_epoch() })
        redis.call('ZADD', P .. 'polls', now, id)
    else
        move(job, 'LEASE_END', poller, { epoch = new_epoch(), t_unsure = now, error_code = 'lease_ended',
            error_cause = 'Its worker stopped while TikTok may have been publishing it, and no answer was recorded.',
            error_remedy = 'Look at the account on TikTok: resolve the job as posted, or send it again.' })
    end
end
local freed = 0
-- those that hold a slot still: `unsure` itself may be long, and those before them have given theirs back
local doubts = redis.call('ZINTER', 2, P .. 'unsure', P .. 'slots', 'WEIGHTS', 1, 0, 'WITHSCORES')
for i = 1, #doubts, 2 do
    local id = doubts[i]
    if tonumber(doubts[i + 1]) <= now - unsure_slot_ms then
        local account = redis.call('HGET', P .. 'job:' .. id, 'account') or ''
        redis.call('ZREM', P .. 'slots', id)
        redis.call('SREM', P .. 'flying:' .. account, id)
        redis.call('HSET', P .. 'job:' .. id, 't_slot_back', now)
        wake(account)
        freed = freed + 1
    end
end
return { 'OK', #leases, freed }
