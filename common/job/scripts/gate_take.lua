-- gate_take(taker, lease_ms:int) conf(job.keep_ms) flags(allow-oom) gate(unchecked)
-- One poller takes the gate before it looks at the journal: a token with a lease, and the server's identity.
-- OK generation identity empty ends anchor: taken; the generation that Redis remembers, and 1 when Redis knows no job; where
-- the journal may be read from, and where that generation's record stands in it ('': from the beginning. When in doubt, that:
-- a person wants it, Redis is empty, or what it remembers is so old that ends are forgotten that stand before) ·
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
local empty = redis.call('EXISTS', P .. 'count') == 0
local tail = redis.call('HMGET', KEYS[1], 'ends', 'anchor', 't_ends')
if empty or not tail[1] or not tail[2] or (tonumber(tail[3] or '') or 0) < now - job_keep_ms / 2 then
    tail = { '', '' }
end
return { 'OK', gate[3] or '0', identity, empty and 1 or 0, tail[1], tail[2] }
