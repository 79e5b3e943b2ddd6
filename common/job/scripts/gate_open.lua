-- gate_open(taker, generation) flags(allow-oom) gate(unchecked)
-- Opens the gate for its taker, on the server that it took it on, and for nobody else.
local held = redis.call('HMGET', KEYS[1], 'taker', 'taker_until', 'taker_identity')
if gate[1] == 'open' or held[1] ~= taker or tonumber(held[2] or '0') <= now or held[3] ~= identity then
    return { 'FENCED' }
end
redis.call('HSET', KEYS[1], 'state', 'open', 'identity', identity, 'generation', generation, 't_opened', now)
redis.call('HDEL', KEYS[1], 'taker', 'taker_until', 'taker_identity')
return { 'OK' }
