-- result(job_id, epoch, publish_id, log_id, first_poll_ms:int, worker) conf(limit.window_ms, limit.day_ms) flags(allow-oom)
-- TikTok accepted the post and gave a publish id. Taken for the same attempt in SENDING or UNSURE, however late:
-- the answer of TikTok is never thrown away by a fence. epoch is the attempt's.
local job = load(job_id)
if not job or job.attempt_epoch ~= epoch then
    return { 'FENCED' }
end
if job.publish_id == publish_id and job.state ~= 'SENDING' then
    -- taken before; in doubt again by now, it is in doubt although this is known
    return { 'OK', job.state }
end
if not arrow(job.state, 'ACCEPT') then
    return { 'STATE', job.state }
end
accept_token(job.account)
move(job, 'ACCEPT', worker, { publish_id = publish_id, log_id = log_id, t_accepted = now, error_code = '',
    error_cause = '', error_remedy = '', looks = 0 })
redis.call('ZADD', P .. 'polls', now + first_poll_ms, job_id)
redis.call('SET', P .. 'publish:' .. publish_id, job_id, 'PX', string.format('%.0f', job_keep_ms))
stamp(job.account, 'init', epoch, limit_window_ms)
-- its window has room sooner than while the call could still arrive
wake(job.account)
local day = P .. (job.kind == 'draft' and 'inbox:' or 'day:') .. job.account
redis.call('ZADD', day, now, job.kind == 'draft' and job_id or epoch)
lengthen(day, limit_day_ms * 2)
local active = P .. 'active:' .. day_of(now)
redis.call('SADD', active, job.account)
redis.call('PEXPIRE', active, 2 * 86400000)
return { 'OK', job.state }
