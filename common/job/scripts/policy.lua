-- policy(poller, count:int, retry_cause, retry_remedy, fail_cause, fail_remedy) conf(unsure.slot_ms, retry.max) flags(allow-oom)
-- What the upstream chose for a doubt (on_unsure), once late answers and evidence have had their time: the hold of the
-- slot is over, and no further listing will be asked for. hold: a person decides. retry: a new attempt, which may double;
-- a late answer to the old one is fenced by its epoch. fail: its end. OK, how many retried, how many failed
local MANY = 20000
local retried, failed = 0, 0
for _, id in ipairs(redis.call('ZRANGE', P .. 'unsure', '-inf', now - unsure_slot_ms, 'BYSCORE', 'LIMIT', 0, MANY)) do
    local chosen = redis.call('HMGET', P .. 'job:' .. id, 'on_unsure', 'attempt_epoch', 'evidence_epoch', 'evidence_next',
        'warnings')
    local wants = (chosen[1] == 'retry' or chosen[1] == 'fail') and chosen[2] == chosen[3] and chosen[4] == '0'
    local job = wants and retried + failed < count and load(id)
    if job and job.state == 'UNSURE' then
        local retries, expires = tonumber(job.retries) or 0, tonumber(job.t_expires) or 0
        local why = chosen[1] == 'fail' and '' or retries >= retry_max and ' It was sent again before, as often as allowed.'
            or expires > 0 and expires <= now and ' It was to be sent again, but its expires_at has passed.'
        if why then
            move(job, 'FAIL', poller, { epoch = new_epoch(), error_code = 'unsure_failed', error_cause = fail_cause .. why,
                error_remedy = fail_remedy })
            failed = failed + 1
        else
            move(job, 'RETRY', poller, { epoch = new_epoch(), retries = retries + 1, t_due = 0,
                error_code = 'unsure_retried', error_cause = retry_cause, error_remedy = retry_remedy,
                -- the claim of the new attempt clears the error; this stays
                warnings = (chosen[5] or '') .. 'attempt ' .. job.attempt .. ': ' .. retry_cause .. ' ' .. retry_remedy
                    .. '\n' })
            retried = retried + 1
        end
    end
end
return { 'OK', retried, failed }
