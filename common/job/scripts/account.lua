-- account(open_id, rev, alias, sealed, scopes, status, expires_at, refresh_expires_at, taker, by) flags(allow-oom) gate(either)
-- An account as <fleet>.accounts has it; a lower or equal rev changes nothing. Jobs that waited for it move to its
-- queue, 1,000 a call. An alias belongs to one open_id for ever: STATE names the owner. Older aliases of the account are
-- stored by further calls with the same rev.
-- OK, how many jobs still wait (call again until 0)
local key = P .. 'account:' .. open_id
local owner = alias ~= '' and redis.call('HGET', P .. 'alias', alias) or ''
if owner ~= '' and owner ~= open_id then
    return { 'STATE', owner }
end
local have = tonumber(redis.call('HGET', key, 'rev') or '') or -1
if tonumber(rev) > have then
    redis.call('HSET', key, 'v', 1, 'rev', rev, 'scopes', scopes, 'status', status, 'expires_at', expires_at,
        'refresh_expires_at', refresh_expires_at, 't_stored', now)
    redis.call('HDEL', key, 'parked_why', 't_parked')
    redis.call('SET', P .. 'token:' .. open_id, sealed)
    if alias ~= '' then
        redis.call('HSET', key, 'alias', alias)
    end
    if tonumber(expires_at) > 0 then
        redis.call('ZADD', P .. 'refresh', expires_at, open_id)
    end
end
if alias ~= '' then
    redis.call('HSET', P .. 'alias', alias, open_id)
end
local left = 0
for _, text in ipairs({ open_id, alias }) do
    if text ~= '' then
        for _, id in ipairs(redis.call('ZRANGE', P .. 'unknown:' .. text, 0, 999)) do
            redis.call('ZREM', P .. 'unknown:' .. text, id)
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
return { 'OK', left }
