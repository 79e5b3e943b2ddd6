-- account(open_id, rev, seen, alias, aliases, sealed, scopes, status, why, settings, connected_at, token_at, expires_at, refresh_expires_at, taker, by, profile...) flags(allow-oom) gate(either)
-- An account as <fleet>.accounts has it, whole. The higher rev wins; seen: the rev that the writer built on ('': whatever
-- is there). A writer who is not the newest hears NEWER, and nothing changes: what Redis holds then has to be written to
-- Kafka again (job/account_write.h). An alias belongs to one open_id for ever: STATE names the owner. alias: the one that
-- this call stores, each in one of its own; aliases: all of them, the newest first, by spaces.
-- profile: name, value, ... Jobs that waited for the account move to its queue, 1,000 a call.
-- status: ok, parked (why), removed: without tokens, its aliases stay its own.
-- OK, how many jobs still wait (call again until 0), STORED | KNOWN | NEWER
local key = P .. 'account:' .. open_id
local owner = alias ~= '' and redis.call('HGET', P .. 'alias', alias) or ''
if owner ~= '' and owner ~= open_id then
    return { 'STATE', owner }
end
local have = tonumber(redis.call('HGET', key, 'rev') or '') or -1
local is_same = have == tonumber(rev) and (redis.call('GET', P .. 'token:' .. open_id) or '') == sealed
local is_newer = not is_same and (have >= tonumber(rev) or seen ~= '' and have >= 0 and have ~= tonumber(seen))
if is_newer then
    return { 'OK', 0, 'NEWER' }
end

local function keep(name, value)
    if value == '' then
        redis.call('HDEL', key, name)
    else
        redis.call('HSET', key, name, value)
    end
end

local function store()
    redis.call('HSET', key, 'v', 2, 'rev', rev, 'scopes', scopes, 'status', status, 'connected_at', connected_at,
        'token_at', token_at, 'expires_at', expires_at, 'refresh_expires_at', refresh_expires_at, 't_stored', now)
    keep('aliases', aliases)
    keep('alias', string.match(aliases, '^%S+') or '')
    keep('settings', settings)
    for i = 1, #profile, 2 do
        keep(profile[i], profile[i + 1])
    end
    if status == 'ok' then
        redis.call('HDEL', key, 'parked_why', 't_parked')
    else
        redis.call('HSET', key, 'parked_why', why, 't_parked', now)
        redis.call('ZREM', P .. 'ready', open_id)
    end
    if status == 'removed' then
        redis.call('DEL', P .. 'token:' .. open_id)
    else
        redis.call('SET', P .. 'token:' .. open_id, sealed)
    end
    if status == 'ok' and tonumber(expires_at) > 0 then
        redis.call('ZADD', P .. 'refresh', expires_at, open_id)
    else
        redis.call('ZREM', P .. 'refresh', open_id)
    end
end

if not is_same then
    store()
end
if alias ~= '' then
    redis.call('HSET', P .. 'alias', alias, open_id)
end
local left = 0
for _, text in ipairs({ open_id, alias }) do
    if text ~= '' then
        for _, id in ipairs(redis.call('ZRANGE', P .. 'unknown:' .. text, 0, 999)) do
            if redis.call('ZREM', P .. 'unknown:' .. text, id) == 1 then
                redis.call('DECR', P .. 'unknown')
            end
            local job = load(id)
            if job and job.state == 'QUEUED' and job.account == '' then
                redis.call('HSET', P .. 'job:' .. id, 'account', open_id)
                redis.call('HDEL', P .. 'job:' .. id, 't_account_until')
                redis.call('HINCRBY', key, 'queued', 1)
                redis.call('ZREM', P .. 'delayed', id)
                job.account = open_id
                enqueue(job)
            end
        end
        left = left + redis.call('ZCARD', P .. 'unknown:' .. text)
    end
end
wake(open_id)
return { 'OK', left, is_same and 'KNOWN' or 'STORED' }
