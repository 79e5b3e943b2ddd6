-- Every script starts with this: the prefix of the keys, the gate, the time. KEYS[1] is {<fleet>}:gate.
local P = string.sub(KEYS[1], 1, -5)
local gate = redis.call('HMGET', KEYS[1], 'state', 'identity', 'generation')
local identity = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
