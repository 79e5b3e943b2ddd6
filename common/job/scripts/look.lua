-- look(job_id, publish_id, member, answered:int, next_ms:int, status, downloaded, uploaded, post_id, post_url, log_id, account_then, token_rev, code, poller) conf(limit.window_ms)  flags(allow-oom)
-- A look that ends nothing: still going, no answer, or the public id of a post that has its end. next_ms -1: no further look.
local job = load(job_id)
if not job or job.publish_id ~= publish_id or publish_id == '' then
    return { 'FENCED' }
end
if job.state ~= 'PROCESSING' and job.state ~= 'IN_INBOX' and job.state ~= 'PUBLISHED' then
    return { 'STATE', job.state }
end
if answered == 1 then
    stamp(job.account, 'status', member)
elseif answered == 0 then
    unstamp(job.account, 'status', member)
end
local set = {}
for field, value in pairs({ tiktok_status = status, downloaded_bytes = downloaded, uploaded_bytes = uploaded,
    look_code = code, log_id = log_id }) do
    if value ~= '' then
        set[#set + 1] = field
        set[#set + 1] = value
    end
end
redis.call('HSET', P .. 'job:' .. job_id, 'looks', string.format('%d', (tonumber(job.looks) or 0) + 1), 't_look', NOW,
    unpack(set))
if account_then == 'park' then
    park_account(job.account, code)
elseif account_then == 'refresh' then
    refuse_token(job.account, token_rev, code, limit_window_ms)
elseif account_then == 'window' then
    next_ms = math.max(next_ms, limit_window_ms)
end
if post_id ~= '' and job.post_id == '' then
    job.post_id, job.post_url = post_id, url_of(job, post_id, post_url)
    redis.call('HSET', P .. 'job:' .. job_id, 'post_id', post_id, 'post_url', job.post_url)
    if job.state == 'PUBLISHED' then
        tell(job, 'PUBLIC_ID', 'PUBLIC_ID', poller, '')
    end
end
if next_ms < 0 and job.state ~= 'PROCESSING' then
    redis.call('ZREM', P .. 'polls', job_id)
else
    redis.call('ZADD', P .. 'polls', text(now + math.max(next_ms, 0)), job_id)
end
return { 'OK', job.state }
