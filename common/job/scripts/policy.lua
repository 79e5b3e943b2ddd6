-- policy(poller, count:int, fail_cause, fail_remedy) conf(unsure.slot_ms, retry.max) flags(allow-oom)
-- What the upstream chose for a doubt (on_unsure), once late answers and evidence have had their time: the hold of the
-- slot is over, no further listing will be asked for, and the journal was looked into for TikTok's answer. hold: a person decides. fail: its end. retry: a new attempt,
-- which may double: its command goes to the journal first, then `policy_retry` does it.
-- OK, how many failed, then for each that is to be retried: job_id epoch publish_id
local MANY = 20000
local retry, failed = {}, 0
for _, id in ipairs(redis.call('ZRANGE', P .. 'unsure', '-inf', now - unsure_slot_ms, 'BYSCORE', 'LIMIT', 0, MANY)) do
    local chosen = redis.call('HMGET', P .. 'job:' .. id, 'on_unsure', 'attempt_epoch', 'evidence_epoch', 'evidence_next',
        'looked_epoch', 'publish_id')
    local wants = (chosen[1] == 'retry' or chosen[1] == 'fail') and chosen[2] == chosen[3] and chosen[4] == '0'
    wants = wants and (chosen[5] == chosen[2] or (chosen[6] or '') ~= '')
    local job = wants and #retry / 3 + failed < count and load(id)
    if job and job.state == 'UNSURE' then
        local retries, expires = tonumber(job.retries) or 0, tonumber(job.t_expires) or 0
        local why = chosen[1] == 'fail' and '' or retries >= retry_max and ' It was sent again before, as often as allowed.'
            or expires > 0 and expires <= now and ' It was to be sent again, but its expires_at has passed.'
            or redis.call('EXISTS', P .. 'message:' .. id) == 0 and ' It was to be sent again, but its message is not kept any more.'
        if why then
            move(job, 'FAIL', poller, { epoch = new_epoch(), error_code = 'unsure_failed', error_cause = fail_cause .. why,
                error_remedy = fail_remedy })
            failed = failed + 1
        else
            for _, value in ipairs({ id, job.attempt_epoch, job.publish_id }) do
                retry[#retry + 1] = value
            end
        end
    end
end
return { 'OK', failed, unpack(retry) }
