-- gate_open(taker, generation, ends, anchor, read, accounts) flags(allow-oom) gate(taken)
-- Opens the gate for its taker, on the server that it took it on, and for nobody else. ends: `partition:offset` by spaces,
-- to where the journal is in this Redis now; anchor: `partition:offset` of the generation's record; read: whole, tail.
-- accounts: as ends, to where <fleet>.accounts is; what came to it since, and was told GATE, is still to be put here.
redis.call('HSET', KEYS[1], 'state', 'open', 'identity', identity, 'generation', generation, 't_opened', now)
redis.call('HDEL', KEYS[1], 'taker', 'taker_until', 'taker_identity', 'step', 'done', 'of')
redis.call('HDEL', KEYS[1], 'ends', 'ends_next', 'anchor')
redis.call('HSET', KEYS[1], 'read', read, 't_ends', now, 'accounts', accounts)
if ends ~= '' and anchor ~= '' then
    redis.call('HSET', KEYS[1], 'ends', ends, 'anchor', anchor)
end
return { 'OK' }
