-- heartbeat(program, kind, host, pid, port, version, state, heartbeat_ms:int) flags(allow-oom)
-- Who runs where. OK, 1 for the first of its kind that is alive (among pollers, the one that relays and reaps), and the
-- gate's generation: another one than before means that Redis has been told anew what happened. Then Redis' time.
local key = P .. 'program:' .. program
if state == 'stopped' then
    redis.call('ZREM', P .. 'programs', program)
    redis.call('HSET', key, 'state', state, 't_seen', now)
    redis.call('PEXPIRE', key, 86400000)
    return { 'OK', 0 }
end
redis.call('ZADD', P .. 'programs', now, program)
redis.call('HSET', key, 'kind', kind, 'host', host, 'pid', pid, 'port', port, 'version', version, 'state', state,
    't_seen', now, 'heartbeat_ms', heartbeat_ms)
redis.call('HSETNX', key, 't_started', now)
redis.call('PEXPIRE', key, 86400000)
redis.call('ZREMRANGEBYSCORE', P .. 'programs', '-inf', now - 86400000)
local first = program
for _, other in ipairs(redis.call('ZRANGE', P .. 'programs', now - 5 * heartbeat_ms, '+inf', 'BYSCORE')) do
    if string.sub(other, 1, #kind + 1) == kind .. '-' and other < first then
        first = other
    end
end
return { 'OK', first == program and 1 or 0, gate[3], now }
