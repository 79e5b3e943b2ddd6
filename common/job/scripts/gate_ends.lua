-- gate_ends(poller, ends, span:int)
-- Where partitions of the journal ended, at least, as this poller wrote to them: `partition:offset` by spaces. A gate may
-- begin to read at `ends` of this hash: what it held there a lease and a minute (`span`) before this call, so that a
-- Redis that has this call in it has everything that came of what stands before. OK · WAIT
local held = redis.call('HMGET', KEYS[1], 'ends', 'ends_next', 't_ends')
if not held[1] or (tonumber(held[3] or '') or 0) + span > now then
    -- no gate has read it all on this Redis yet; or another poller was here
    return { 'WAIT' }
end
local known = held[2] or held[1]
local highest, order = {}, {}
for _, text in ipairs({ known, ends }) do
    for partition, offset in string.gmatch(text, '(%d+):(%d+)') do
        if not highest[partition] then
            order[#order + 1] = partition
        end
        highest[partition] = math.max(highest[partition] or 0, tonumber(offset))
    end
end
for i, partition in ipairs(order) do
    order[i] = partition .. ':' .. string.format('%.0f', highest[partition])
end
redis.call('HSET', KEYS[1], 'ends', known, 'ends_next', table.concat(order, ' '), 't_ends', now)
return { 'OK' }
