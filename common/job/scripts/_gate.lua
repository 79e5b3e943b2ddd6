-- Every script starts with this: the prefix of the keys, the gate, the time. KEYS[1] is {<fleet>}:gate.
local P = string.sub(KEYS[1], 1, -5)
local gate = redis.call('HMGET', KEYS[1], 'state', 'identity', 'generation')
local identity = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local time = redis.call('TIME')
-- NOW, as a text: a number that is given to redis.call() is printed with 17 digits, which costs more than the command
local NOW = time[1] .. string.format('%03d', time[2] / 1000)
local now = tonumber(NOW)
