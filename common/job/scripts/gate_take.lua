-- gate_take(taker, lease_ms:int) flags(allow-oom) gate(unchecked)
-- One poller takes the gate before it looks at the journal. OK: taken, with the generation that Redis remembers and
-- the server's identity ·
-- STATE open: nothing to do · STATE closed: another identity or a closed gate that this version cannot open ·
-- WAIT: somebody else has it.
local held = redis.call('HMGET', KEYS[1], 'taker', 'taker_until')
if gate[1] == 'open' then
    return { 'STATE', gate[2] == identity and 'open' or 'closed', gate[2], identity }
end
if held[1] and held[1] ~= taker and tonumber(held[2] or '0') > now then
    return { 'WAIT', tonumber(held[2]) - now }
end
redis.call('HSET', KEYS[1], 'state', 'closed', 'taker', taker, 'taker_until', now + lease_ms, 'taker_identity', identity)
return { 'OK', gate[3] or '0', identity }
