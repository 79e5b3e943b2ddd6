-- gate_take(taker, lease_ms:int) flags(allow-oom) gate(unchecked)
-- One poller takes the gate before it looks at the journal: a token with a lease, and the server's identity.
-- OK generation identity empty: taken; the generation that Redis remembers, and 1 when Redis knows no job ·
-- STATE open: nothing to do · WAIT ms: somebody else has it.
local held = redis.call('HMGET', KEYS[1], 'taker', 'taker_until', 'taker_identity')
if gate[1] == 'open' and gate[2] == identity then
    return { 'STATE', 'open' }
end
if gate[1] ~= 'open' and held[1] and held[1] ~= taker and held[3] == identity and tonumber(held[2] or '0') > now then
    return { 'WAIT', tonumber(held[2]) - now }
end
redis.call('HSET', KEYS[1], 'state', 'closed', 'taker', taker, 'taker_until', now + lease_ms, 'taker_identity', identity,
    'step', 'taken', 'done', 0, 'of', 0, 't_taken', now)
return { 'OK', gate[3] or '0', identity, redis.call('EXISTS', P .. 'count') == 0 and 1 or 0 }
