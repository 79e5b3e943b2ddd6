-- finish(job_id, publish_id, member, event, next_ms:int, due_ms:int, retries:int, status, downloaded, uploaded, post_id, post_url, account_then, code, cause, remedy, log_id, poller) conf(limit.window_ms, limit.day_ms) flags(allow-oom)
-- The end of an attempt as TikTok tells it. Names the publish id that was asked about: an answer about an older one
-- ends nothing. event: COMPLETE, INBOX, FAIL, AGAIN, HORIZON. next_ms: further looks after the end; -1: none.
local job = load(job_id)
if not job or job.publish_id ~= publish_id or publish_id == '' then
    return { 'FENCED' }
end
if job.state == arrow('PROCESSING', event) then
    -- done before
    return { 'OK', job.state }
end
if not arrow(job.state, event) then
    return { 'STATE', job.state }
end
if member ~= '' then
    stamp(job.account, 'status', member)
end
local account = job.account
if account_then == 'day' then
    local oldest = redis.call('ZRANGE', P .. 'day:' .. account, 0, 0, 'WITHSCORES')[2]
    hold_account(account, math.floor(oldest and math.max(tonumber(oldest) + limit_day_ms, now + limit_window_ms)
        or now + limit_day_ms / 24), code)
elseif account_then == 'park' then
    park_account(account, code)
end
local set = { t_look = NOW, error_code = code, error_cause = cause, error_remedy = remedy }
for field, value in pairs({ tiktok_status = status, downloaded_bytes = downloaded, uploaded_bytes = uploaded,
    post_id = post_id, post_url = url_of(job, post_id, post_url), log_id = log_id }) do
    if value ~= '' then
        set[field] = value
    end
end
if event == 'AGAIN' then
    set.t_due = now + due_ms
    set.retries = retries
end
set.looks = '0'
if event == 'FAIL' or event == 'AGAIN' then
    unsent(job)
end
move(job, event, poller, set)
if event == 'HORIZON' then
    -- it has had its time: TikTok forgets it, too, and such a job never takes a slot back
    redis.call('ZREM', P .. 'slots', job_id)
    redis.call('SREM', P .. 'flying:' .. account, job_id)
    wake(account)
end
if event == 'INBOX' then
    redis.call('ZADD', P .. 'inbox:' .. account, NOW, job_id)
    lengthen(P .. 'inbox:' .. account, limit_day_ms * 2)
end
if (event == 'INBOX' or event == 'COMPLETE' and job.post_id == '') and next_ms >= 0 then
    redis.call('ZADD', P .. 'polls', text(now + next_ms), job_id)
end
return { 'OK', job.state }
