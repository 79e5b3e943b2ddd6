-- result(job_id, epoch, publish_id, log_id, first_poll_ms:int, worker) conf(limit.day_ms, events.kept) flags(allow-oom)
-- TikTok accepted the post and gave a publish id. Taken for the same attempt in SENDING or UNSURE, however late, and in
-- QUEUED when its doubt was retried and nobody has claimed the job since: the answer of TikTok is never thrown away by a
-- fence. epoch is the attempt's.
-- Where the job has its end or is at another attempt it changes nothing, but stays visible: there may be a post that the
-- job does not tell of.
local job = load(job_id)
if not job then
    return { 'FENCED' }
end
local function too_late(...)
    local have = redis.call('HGET', P .. 'job:' .. job_id, 'warnings') or ''
    if redis.call('EXISTS', P .. 'publish:' .. publish_id) == 0 and not string.find(have, publish_id, 1, true) then
        local stands = job.attempt_epoch == epoch and job.state .. ' already' or job.state .. ' at another attempt'
        redis.call('HSET', P .. 'job:' .. job_id, 'warnings', (have == '' and '' or string.gsub(have, '\n*$', '') .. '\n')
            .. 'attempt ' .. epoch .. ': TikTok accepted it after all, as ' .. publish_id .. ', when the job was ' .. stands
            .. '. Look at the account: there may be a post that this job does not tell of.')
        redis.call('XADD', P .. 'events', 'MAXLEN', '~', events_kept, '*', 'job_id', job_id, 'name', 'LATE_ANSWER',
            'at', NOW, 'account', job.account, 'why', publish_id)
    end
    return { ... }
end
if job.attempt_epoch ~= epoch then
    return too_late('FENCED')
end
if job.publish_id == publish_id and job.state ~= 'SENDING' then
    -- taken before; in doubt again by now, it is in doubt although this is known
    return { 'OK', job.state }
end
if job.publish_id == '' and (job.state == 'PUBLISHED' or job.state == 'IN_INBOX') then
    -- found by other means, or by a person
    redis.call('HSET', P .. 'job:' .. job_id, 'publish_id', publish_id, 'log_id', log_id)
    return { 'OK', job.state }
end
local waits = job.state == 'QUEUED'
if waits and redis.call('HGET', P .. 'job:' .. job_id, 'doubt_retried') ~= epoch then
    return too_late('STATE', job.state)
elseif not arrow(job.state, 'ACCEPT') then
    if IN_FLIGHT[job.state] or job.state == 'PUBLISHED' or job.state == 'IN_INBOX' then
        return { 'STATE', job.state }
    end
    return too_late('STATE', job.state)
end
accept_token(job.account)
move(job, 'ACCEPT', worker, { publish_id = publish_id, log_id = log_id, t_accepted = NOW, error_code = '',
    error_cause = '', error_remedy = '', looks = '0' })
redis.call('ZADD', P .. 'polls', text(now + first_poll_ms), job_id)
redis.call('SET', P .. 'publish:' .. publish_id, job_id, 'PX', job_keep_ms_text)
stamp(job.account, 'init', epoch)
if waits then
    -- TikTok is at work on it, whether there is room for one more or not
    redis.call('ZADD', P .. 'slots', NOW, job_id)
    redis.call('SADD', P .. 'flying:' .. job.account, job_id)
    redis.call('HDEL', P .. 'job:' .. job_id, 'doubt_retried')
    sent(job.account, epoch, job_id, tonumber(redis.call('HGET', P .. 'job:' .. job_id, 't_sending') or '') or now)
end
-- its window has room sooner than while the call could still arrive
wake(job.account)
local day = P .. (job.kind == 'draft' and 'inbox:' or 'day:') .. job.account
if redis.call('ZADD', day, NOW, job.kind == 'draft' and job_id or epoch) == 1 then
    -- else its claim has given the key to live
    lengthen(day, limit_day_ms * 2)
end
local active = P .. 'active:' .. day_of(now)
if redis.call('SADD', active, job.account) == 1 then
    redis.call('PEXPIRE', active, '172800000')
end
return { 'OK', job.state }
