-- What every script that moves a job shares. A job is moved by move(), and nowhere else.
-- Everything is checked before the first write: Redis does not undo a script that fails half way.

local FIELDS = { 'state', 'account', 'account_text', 'attempt', 'epoch', 'attempt_epoch', 'publish_id', 'kind',
    't_message', 't_expires', 't_due', 'priority', 'source', 'metadata', 'post_id', 'post_url', 'retries', 'hash',
    'error_code', 'error_cause', 'error_remedy', 'log_id', 'privacy', 'looks' }

-- the job as it stands; nil when there is none
local function load(id)
    local values = redis.call('HMGET', P .. 'job:' .. id, unpack(FIELDS))
    if not values[1] then
        return nil
    end
    local job = { id = id }
    for i, name in ipairs(FIELDS) do
        job[name] = values[i] or ''
    end
    return job
end

local function arrow(from, event)
    return ARROWS[from .. ' ' .. event]
end

-- 20261122, of milliseconds since 1970
local function day_of(ms)
    local z = math.floor(ms / 86400000) + 719468
    local era = math.floor(z / 146097)
    local doe = z - era * 146097
    local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local mp = math.floor((5 * doy + 2) / 153)
    local month = mp < 10 and mp + 3 or mp - 9
    local year = yoe + era * 400 + (month <= 2 and 1 or 0)
    return string.format('%04d%02d%02d', year, month, doy - math.floor((153 * mp + 2) / 5) + 1)
end

-- a new epoch of the fleet: <generation>-<n>, n as text (no arithmetic on it)
local function new_epoch()
    redis.call('HINCRBY', P .. 'count', 'epoch', 1)
    return gate[3] .. '-' .. redis.call('HGET', P .. 'count', 'epoch')
end

-- the account may act again: it is looked at by the next claim, which knows its limits
local function wake(account)
    if redis.call('EXISTS', P .. 'queue:' .. account) == 1
        and redis.call('HGET', P .. 'account:' .. account, 'status') ~= 'parked' then
        redis.call('ZADD', P .. 'ready', 'LT', now, account)
    end
end

-- where a QUEUED job waits: for its account, for its moment, or in the queue of its account.
-- `delayed` holds the next moment at which a waiting job has to be looked at: due, or expired.
local function enqueue(job)
    local due = tonumber(job.t_due) or 0
    local expires = tonumber(job.t_expires) or 0
    if job.account == '' then
        redis.call('ZADD', P .. 'unknown:' .. job.account_text, job.t_message, job.id)
        redis.call('ZADD', P .. 'delayed', expires, job.id)
        return
    end
    if due > now then
        redis.call('ZADD', P .. 'delayed', expires > 0 and math.min(due, expires) or due, job.id)
        return
    end
    local rank = (9 - tonumber(job.priority)) * 1e13 + tonumber(job.t_message)
    redis.call('ZADD', P .. 'queue:' .. job.account, rank, job.id)
    if expires > 0 then
        redis.call('ZADD', P .. 'delayed', expires, job.id)
    else
        redis.call('ZREM', P .. 'delayed', job.id)
    end
    wake(job.account)
end

-- the places that a state holds, left and entered
local function leave(job, to)
    local from, id, account = job.state, job.id, job.account
    if from == 'QUEUED' then
        redis.call('ZREM', P .. 'delayed', id)
        if account == '' then
            redis.call('ZREM', P .. 'unknown:' .. job.account_text, id)
        else
            redis.call('ZREM', P .. 'queue:' .. account, id)
            redis.call('HINCRBY', P .. 'account:' .. account, 'queued', -1)
        end
        return
    end
    if from == 'SENDING' or from == 'CLAIMED' and to ~= 'SENDING' then
        redis.call('ZREM', P .. 'open', id)
    end
    if not (to == 'CLAIMED' or to == 'SENDING' or to == 'UPLOADING') then
        redis.call('ZREM', P .. 'leases', id)
    end
    if from == 'UNSURE' then
        redis.call('ZREM', P .. 'unsure', id)
    end
    if from == 'PROCESSING' or from == 'IN_INBOX' then
        redis.call('ZREM', P .. 'polls', id)
    end
    if IN_FLIGHT[from] and not IN_FLIGHT[to] then
        redis.call('ZREM', P .. 'slots', id)
        redis.call('SREM', P .. 'flying:' .. account, id)
        if job.kind == 'draft' and to ~= 'IN_INBOX' then
            redis.call('ZREM', P .. 'inbox:' .. account, id)
        end
        if account ~= '' then
            wake(account)
        end
    elseif from == 'IN_INBOX' then
        redis.call('ZREM', P .. 'inbox:' .. account, id)
    end
end

local function enter(job)
    local to, id, account = job.state, job.id, job.account
    if to == 'QUEUED' then
        if account ~= '' then
            redis.call('HINCRBY', P .. 'account:' .. account, 'queued', 1)
        end
        enqueue(job)
    elseif to == 'CLAIMED' then
        redis.call('ZADD', P .. 'slots', now, id)
        redis.call('SADD', P .. 'flying:' .. account, id)
    elseif to == 'UNSURE' then
        redis.call('ZADD', P .. 'unsure', now, id)
    end
end

-- what people and upstreams hear of it
local function tell(job, name, event, by, why)
    local fields = { 'job_id', job.id, 'epoch', job.attempt_epoch ~= '' and job.attempt_epoch or '0-0', 'name', name,
        'event', event, 'at', now, 'by', by }
    for _, field in ipairs({ 'account', 'account_text', 'attempt', 'publish_id', 'post_id', 'post_url', 'kind',
        'error_code', 'error_cause', 'error_remedy', 'log_id', 'source', 'metadata' }) do
        if job[field] ~= '' then
            fields[#fields + 1] = field
            fields[#fields + 1] = job[field]
        end
    end
    redis.call('XADD', P .. 'outbox', '*', unpack(fields))
    redis.call('XADD', P .. 'events', 'MAXLEN', '~', events_kept, '*', 'job_id', job.id, 'name', name, 'at', now,
        'account', job.account_text, 'why', why)
end

-- The arrow `event` of a job, which the caller has checked to be there. `set` holds the fields that change with it.
local function move(job, event, by, set)
    local from, id = job.state, job.id
    local to = arrow(from, event)
    local key = P .. 'job:' .. id
    leave(job, to)
    job.state = to
    local values = { 'state', to, 't_state', now }
    for field, value in pairs(set or {}) do
        job[field] = value
        values[#values + 1] = field
        values[#values + 1] = value
    end
    redis.call('HSET', key, unpack(values))
    enter(job)
    if from ~= 'NONE' then
        redis.call('HINCRBY', P .. 'count', from, -1)
        if from ~= 'QUEUED' then
            redis.call('ZREM', P .. 'state:' .. from, id)
        end
    end
    redis.call('HINCRBY', P .. 'count', to, 1)
    if to ~= 'QUEUED' then
        redis.call('ZADD', P .. 'state:' .. to, now, id)
    end
    local why = job.error_code or ''
    redis.call('RPUSH', P .. 'log:' .. id, table.concat({ string.format('%.0f', now), job.attempt_epoch or '', from,
        event, to, by, why }, '\t'))
    redis.call('LTRIM', P .. 'log:' .. id, -log_timeline, -1)
    if to ~= 'CLAIMED' then
        tell(job, to, event, by, why)
    end
    if IS_END[to] then
        redis.call('ZREMRANGEBYRANK', P .. 'state:' .. to, 0, -state_kept - 1)
        redis.call('PEXPIRE', key, job_keep_ms)
        redis.call('PEXPIRE', P .. 'message:' .. id, job_keep_message_ms)
        redis.call('PEXPIRE', P .. 'log:' .. id, job_keep_message_ms)
        local today = P .. 'count:' .. day_of(now)
        redis.call('HINCRBY', today, to, 1)
        redis.call('PEXPIRE', today, 90 * 86400000)
    elseif IS_END[from] then
        redis.call('PERSIST', key)
        redis.call('PERSIST', P .. 'message:' .. id)
        redis.call('PERSIST', P .. 'log:' .. id)
    end
end

-- an answer has come for the call that a claim opened: it counts from now, not from the latest moment possible
local function stamp(account, what, member, window_ms)
    local key = P .. 'window:' .. account .. ':' .. what
    redis.call('ZADD', key, 'XX', now, member)
    redis.call('PEXPIRE', key, window_ms * 2)
end

-- the call surely never arrived
local function unstamp(account, what, member)
    redis.call('ZREM', P .. 'window:' .. account .. ':' .. what, member)
end

-- the moment at which a window has room again; 0: it has
local function window_free_at(account, what, limit, window_ms)
    local key = P .. 'window:' .. account .. ':' .. what
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window_ms)
    if redis.call('ZCARD', key) < limit then
        return 0
    end
    return tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]) + window_ms + 1
end

-- the account acts no sooner than `at`; a later moment that is known already stays
local function hold_account(account, at, why)
    local key = P .. 'account:' .. account
    if at > (tonumber(redis.call('HGET', key, 'after') or '') or 0) then
        redis.call('HSET', key, 'after', at, 'after_why', why)
    end
    if redis.call('ZSCORE', P .. 'ready', account) then
        redis.call('ZADD', P .. 'ready', 'GT', at, account)
    end
end

local function park_account(account, why)
    redis.call('HSET', P .. 'account:' .. account, 'status', 'parked', 'parked_why', why, 't_parked', now)
    redis.call('ZREM', P .. 'ready', account)
end
