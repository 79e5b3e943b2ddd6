-- gate_open(taker, generation) flags(allow-oom) gate(taken)
-- Opens the gate for its taker, on the server that it took it on, and for nobody else.
redis.call('HSET', KEYS[1], 'state', 'open', 'identity', identity, 'generation', generation, 't_opened', now)
redis.call('HDEL', KEYS[1], 'taker', 'taker_until', 'taker_identity', 'step', 'done', 'of')
return { 'OK' }
