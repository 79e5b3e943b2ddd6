-- refresh_claim(count:int) conf(refresh.lease_ms) flags(allow-oom)
-- Accounts whose tokens are due to be refreshed. Each is out of sight as long as its lease: one refresh at a time in the
-- whole fleet. OK, then for each: open_id epoch failures (in a row, so far) · WAIT ms
local reply = { 'OK' }
for _, account in ipairs(redis.call('ZRANGE', P .. 'refresh', '-inf', now, 'BYSCORE', 'LIMIT', 0, count)) do
    local key = P .. 'account:' .. account
    if redis.call('EXISTS', key, P .. 'token:' .. account) < 2 then
        redis.call('ZREM', P .. 'refresh', account)
    else
        local epoch = new_epoch()
        redis.call('ZADD', P .. 'refresh', now + refresh_lease_ms, account)
        redis.call('HSET', key, 'refresh_epoch', epoch, 'refresh_until', now + refresh_lease_ms)
        for _, value in ipairs({ account, epoch, redis.call('HGET', key, 'refresh_failures') or '0' }) do
            reply[#reply + 1] = value
        end
    end
end
if #reply > 1 then
    return reply
end
local first = redis.call('ZRANGE', P .. 'refresh', 0, 0, 'WITHSCORES')[2]
return { 'WAIT', first and math.max(0, math.floor(tonumber(first) - now)) or -1 }
