-- doubt_due(count:int) conf(unsure.slot_ms)
-- UNSURE jobs without a publish id whose hold of the slot is over, and whose attempt was not looked for in the journal yet:
-- TikTok's answer may be there alone, of a worker that came no further, or not to this Redis. Writes nothing.
-- OK, then for each: job_id epoch · WAIT
local MANY = 20000
local reply = { 'OK' }
for _, id in ipairs(redis.call('ZRANGE', P .. 'unsure', '-inf', now - unsure_slot_ms, 'BYSCORE', 'LIMIT', 0, MANY)) do
    local values = redis.call('HMGET', P .. 'job:' .. id, 'publish_id', 'attempt_epoch', 'looked_epoch')
    if #reply <= count * 2 and (values[1] or '') == '' and values[2] and values[2] ~= values[3] then
        reply[#reply + 1] = id
        reply[#reply + 1] = values[2]
    end
end
return #reply > 1 and reply or { 'WAIT' }
