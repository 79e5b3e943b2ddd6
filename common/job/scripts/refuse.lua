-- refuse(job_id, epoch, event, arrived:int, due_ms:int, retries:int, unreadable:int, account_then, token_rev, code, cause, remedy, log_id, worker) conf(limit.window_ms, limit.day_ms) flags(allow-oom)
-- The attempt ended without a publish id. event: RELEASE, REJECT (before SENDING), NOT_SENT, REFUSE, DOUBT, EXPIRE.
-- arrived: 1 the call reached TikTok (counts in the windows) · 0 surely not · -1 nobody knows.
-- account_then: '' | window | day | drafts | users | park | refresh. due_ms: the job itself waits so long. token_rev: of
-- the account's record whose token it was.
-- unreadable: how often a worker could not read the job's message; 0: as it was.
-- RELEASE: surely not sent, whether SENDING was accepted or not.
-- Taken for the same attempt only; a definite refusal also when the job is UNSURE by now.
local job = load(job_id)
if not job or job.attempt_epoch ~= epoch then
    return { 'FENCED' }
end
if event == 'RELEASE' and job.state ~= 'CLAIMED' then
    event = 'NOT_SENT'
end
if job.state == arrow('CLAIMED', event) or job.state == arrow('SENDING', event) then
    -- done before, or the reaper did it
    return { 'OK', job.state }
end
if not IN_FLIGHT[job.state] or not arrow(job.state, event) or (job.state == 'CLAIMED' and job.epoch ~= epoch) then
    return { 'STATE', job.state }
end
local account = job.account
local after, due = 0, due_ms > 0 and now + due_ms or 0
if arrived == 0 then
    unstamp(account, 'init', epoch)
elseif arrived == 1 then
    stamp(account, 'init', epoch)
end
if account_then == 'drafts' then
    -- TikTok has no room for it: no other one takes its place
    redis.call('ZREM', P .. 'inbox:' .. account, job_id)
    unsent(job)
elseif event ~= 'DOUBT' then
    uncount(job)
end
if account_then == 'window' then
    after = now + limit_window_ms
elseif account_then == 'day' then
    local oldest = redis.call('ZRANGE', P .. 'day:' .. account, 0, 0, 'WITHSCORES')[2]
    after = oldest and math.max(tonumber(oldest) + limit_day_ms, now + limit_window_ms) or now + limit_day_ms / 24
elseif account_then == 'drafts' then
    local oldest = redis.call('ZRANGE', P .. 'inbox:' .. account, 0, 0, 'WITHSCORES')[2]
    due = oldest and math.max(tonumber(oldest) + limit_day_ms, now + limit_window_ms) or now + limit_day_ms / 24
elseif account_then == 'users' then
    local midnight = (math.floor(now / 86400000) + 1) * 86400000
    redis.call('HSET', P .. 'breaker', 'users_until', midnight, 'users_why', code)
end
if after > 0 then
    hold_account(account, math.floor(after), code)
elseif account_then == 'park' then
    park_account(account, code)
elseif account_then == 'refresh' then
    refuse_token(account, token_rev, code, limit_window_ms)
end
local set = { error_code = code, error_cause = cause, error_remedy = remedy, retries = retries }
if unreadable > 0 then
    set.unreadable = unreadable
end
if log_id ~= '' then
    set.log_id = log_id
end
-- publish_at has passed: from here on t_due is the moment of the next attempt
set.t_due = math.floor(due)
move(job, event, worker, set)
if account_then == 'drafts' and job.state == 'QUEUED' then
    hold_draft(job, set.t_due)
end
return { 'OK', job.state }
