-- claim(worker) conf(limit.in_flight, limit.open, limit.account, limit.init, limit.window_ms, limit.drafts, limit.day_posts, limit.day_ms, lease.ms)
-- A free slot, an account that may act now, that account's best job. Accounts take turns: the one that has waited
-- longest is first. Cost: O(log accounts), and a bounded number of accounts and waiting jobs looked at in one call.
-- OK job_id epoch attempt retries account message sealed_token publish_id queued_ms waited_ms due_told source unreadable,
-- then what is known of the account: scopes rev creator_age privacy_options comment_disabled duet_disabled stitch_disabled creator_failures
-- failed_age (ages in ms; '' for never) · WAIT ms · FULL what
-- queued_ms: in the queue; waited_ms: since it was due; due_told: of the newest reschedule
local LOOKS = '16'

-- a job of an unknown account is in `delayed` with nothing but the end of its wait
local function has_expired(job)
    local expires = tonumber(job.t_expires) or 0
    return job.account == '' or expires > 0 and expires <= now
end

local function expire(job)
    local unknown = job.account == ''
    move(job, 'EXPIRE', worker, {
        error_code = unknown and 'account_unknown' or 'expired',
        error_cause = unknown and 'No account ' .. job.account_text .. ' was connected in time.'
            or 'Its expires_at passed before it could be posted.',
        error_remedy = unknown and 'Connect the account (tokfleet account add), then send the job under a new job_id.'
            or 'Send it under a new job_id with a later expires_at; see why it waited in its timeline.' })
end

-- waiting jobs whose moment has come: due, or expired
for _, id in ipairs(redis.call('ZRANGE', P .. 'delayed', '-inf', NOW, 'BYSCORE', 'LIMIT', '0', LOOKS)) do
    local job = load(id)
    if not job or job.state ~= 'QUEUED' then
        redis.call('ZREM', P .. 'delayed', id)
    elseif has_expired(job) then
        expire(job)
    else
        redis.call('ZREM', P .. 'delayed', id)
        enqueue(job)
    end
end

if redis.call('ZCARD', P .. 'slots') >= limit_in_flight then
    return { 'FULL', 'slots' }
end
if redis.call('ZCARD', P .. 'open') >= limit_open then
    return { 'FULL', 'open' }
end

local today = P .. 'active:' .. day_of(now)
local breaker = redis.call('HMGET', P .. 'breaker', 'users_until', 'paused')
local users_until = tonumber(breaker[1] or '') or 0
if breaker[2] then
    return { 'FULL', 'paused' }
end

-- of the account that is looked at: what the worker has to know of it, then what decides whether it may act
local KNOWN = 9
local values, flying

-- the moment from which the account may act; 0: now. `false`: when something else ends, which wakes it
local function may_act(account)
    values = redis.call('HMGET', P .. 'account:' .. account, 'scopes', 'rev', 't_creator', 'privacy_options',
        'comment_disabled', 'duet_disabled', 'stitch_disabled', 'creator_failures', 't_creator_failed',
        'status', 'after', 'paused', 'refused_rev')
    flying = redis.call('SCARD', P .. 'flying:' .. account)
    local refused = values[13] and values[13] == values[2]
    if (values[10] or 'ok') ~= 'ok' or values[12] or refused or flying >= limit_account then
        return false
    end
    local after = tonumber(values[11] or '') or 0
    if after > now then
        return after
    end
    if users_until > now and redis.call('SISMEMBER', today, account) == 0 then
        return users_until
    end
    return window_free_at(account, 'init', limit_init, limit_window_ms)
end

-- a job that its own kind's limit holds waits in `delayed`, out of the way of the others; the moment, or 0
local function held_until(job)
    local key, limit = P .. 'inbox:' .. job.account, limit_drafts
    if job.kind ~= 'draft' then
        key, limit = P .. 'day:' .. job.account, limit_day_posts
    end
    if limit == 0 then
        return 0
    end
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - limit_day_ms)
    if redis.call('ZCARD', key) < limit then
        return 0
    end
    return tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]) + limit_day_ms + 1
end

-- when that was, as an age
local function age_of(moment)
    return moment and moment ~= '' and text(math.max(0, now - tonumber(moment))) or ''
end

-- others: whether its account has more that wait
local function claim(job, others, due_told, unreadable)
    local account, id = job.account, job.id
    local epoch = new_epoch()
    local attempt = string.format('%d', (tonumber(job.attempt) or 0) + 1)
    local latest = text(now + lease_ms)
    local since = math.max(tonumber(job.t_state) or now, tonumber(job.t_due) or 0)
    job.attempt_epoch = epoch
    move(job, 'CLAIM', worker, { epoch = epoch, attempt_epoch = epoch, attempt = attempt, t_claimed = NOW,
        error_code = '', error_cause = '', error_remedy = '', publish_id = '', worker = worker })
    redis.call('ZADD', P .. 'leases', latest, id)
    redis.call('ZADD', P .. 'open', NOW, id)
    redis.call('ZADD', P .. 'window:' .. account .. ':init', latest, epoch)
    lengthen(P .. 'window:' .. account .. ':init', lease_ms + limit_window_ms * 2)
    local day = P .. (job.kind == 'draft' and 'inbox:' or 'day:') .. account
    redis.call('ZADD', day, latest, job.kind == 'draft' and id or epoch)
    lengthen(day, lease_ms + limit_day_ms * 2)
    if others and flying + 1 < limit_account then
        redis.call('ZADD', P .. 'ready', MOMENT, account)
    else
        redis.call('ZREM', P .. 'ready', account)
    end
    local texts = redis.call('MGET', P .. 'message:' .. id, P .. 'token:' .. account)
    values[3], values[9] = age_of(values[3]), age_of(values[9])
    for i = 1, KNOWN do
        values[i] = values[i] or ''
    end
    return { 'OK', id, epoch, attempt, job.retries, account, texts[1] or '', texts[2] or '', '', tonumber(job.spent),
        now - since, due_told or '', job.source, unreadable or '', unpack(values, 1, KNOWN) }
end

for _ = 1, tonumber(LOOKS) do
    local account = redis.call('ZRANGE', P .. 'ready', '-inf', MOMENT, 'BYSCORE', 'LIMIT', '0', '1')[1]
    if not account then
        local first = redis.call('ZRANGE', P .. 'ready', 0, 0, 'WITHSCORES')[2]
        local due = redis.call('ZRANGE', P .. 'delayed', 0, 0, 'WITHSCORES')[2]
        local at = math.min(tonumber(first) or math.huge, tonumber(due) or math.huge)
        return { 'WAIT', at == math.huge and -1 or math.max(0, at - now) }
    end
    local at = may_act(account)
    local ids = redis.call('ZRANGE', P .. 'queue:' .. account, '-inf', '(' .. HELD, 'BYSCORE', 'LIMIT', '0', '2')
    local id = ids[1]
    if not at or not id then
        redis.call('ZREM', P .. 'ready', account)
    elseif at > now then
        redis.call('ZADD', P .. 'ready', at, account)
    else
        local job, due_told, unreadable, t_ingested = load(id, 'due_told', 'unreadable', 't_ingested')
        if not job or job.state ~= 'QUEUED' then
            redis.call('ZREM', P .. 'queue:' .. account, id)
        elseif has_expired(job) then
            expire(job)
        else
            local held = held_until(job)
            if held == 0 then
                job.t_ingested = t_ingested
                return claim(job, ids[2], due_told, unreadable)
            elseif job.kind == 'draft' then
                hold_draft(job, held)
            else
                redis.call('ZREM', P .. 'queue:' .. account, id)
                redis.call('HSET', P .. 'job:' .. id, 't_due', held)
                job.t_due = held
                enqueue(job)
            end
        end
    end
end
return { 'WAIT', 0 }
