-- gate_keep(taker, lease_ms:int, step, done:int, of:int) flags(allow-oom) gate(taken)
-- The taker is still at it: its lease runs anew, and people see how far it is. OK now
redis.call('HSET', KEYS[1], 'taker_until', now + lease_ms, 'step', step, 'done', done, 'of', of)
return { 'OK', now }
