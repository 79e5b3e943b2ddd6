-- refresh_end(account, epoch, event, wait_ms:int, code) flags(allow-oom)
-- What became of a refresh, for the owner of its lease. keep: it goes on for wait_ms · again: it failed (code), and is due
-- again after wait_ms · done: the account's record is what it was to become (the script `account`, which knows when the
-- next one is due). OK · FENCED: somebody else has the lease by now, or it is over.
local key = P .. 'account:' .. account
if redis.call('HGET', key, 'refresh_epoch') ~= epoch then
    return { 'FENCED' }
end
local is_due = redis.call('ZSCORE', P .. 'refresh', account)
if event == 'keep' then
    redis.call('HSET', key, 'refresh_until', now + wait_ms)
    if is_due then
        redis.call('ZADD', P .. 'refresh', now + wait_ms, account)
    end
    return { 'OK' }
end
redis.call('HDEL', key, 'refresh_epoch', 'refresh_until')
if event == 'again' then
    redis.call('HINCRBY', key, 'refresh_failures', 1)
    redis.call('HSET', key, 'refresh_why', code, 't_refresh_failed', now)
    if is_due then
        redis.call('ZADD', P .. 'refresh', now + wait_ms, account)
    end
else
    redis.call('HDEL', key, 'refresh_failures', 'refresh_why', 't_refresh_failed')
end
return { 'OK' }
