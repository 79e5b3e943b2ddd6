-- gate_sweep(taker, generation, count:int) flags(allow-oom) gate(taken)
-- What Redis still holds as driven by somebody: CLAIMED goes back to the queue, SENDING is older than what the journal
-- said of it and stays a doubt (with a publish id: PROCESSING). OK, how many are left.
gate[3] = generation
local ids = redis.call('ZRANGE', P .. 'leases', 0, count - 1)
for _, id in ipairs(ids) do
    local job = load(id)
    if not job or (job.state ~= 'CLAIMED' and job.state ~= 'SENDING') then
        redis.call('ZREM', P .. 'leases', id)
    elseif job.state == 'CLAIMED' then
        unstamp(job.account, 'init', job.attempt_epoch)
        uncount(job)
        put(job, 'QUEUED', 'REPLAY', taker, { epoch = new_epoch() })
    elseif job.publish_id ~= '' then
        put(job, 'PROCESSING', 'REPLAY', taker, { epoch = new_epoch() })
        redis.call('ZADD', P .. 'polls', now, id)
    else
        put(job, 'UNSURE', 'REPLAY', taker, { epoch = new_epoch(), t_unsure = now, error_code = 'redis_forgot',
            error_cause = 'Redis was lost or replaced while TikTok may have been publishing it.',
            error_remedy = 'Look at the account on TikTok: resolve the job as posted, or send it again.' })
    end
end
return { 'OK', redis.call('ZCARD', P .. 'leases') }
