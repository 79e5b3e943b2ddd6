-- relay(whole:int, ids...) flags(allow-oom)
-- These entries of the outbox are on Kafka: take them out. Nothing else trims it. whole: 1: they are all that stood there
-- from the first to the last of them, which is far cheaper than one by one. OK
local key = P .. 'outbox'
local from, last = 1, ids[#ids]
if whole == 1 and last then
    -- as long as it is the stream that they were read from, and not another server's
    local first = redis.call('XRANGE', key, '-', '+', 'COUNT', '1')[1]
    if first and first[1] == ids[1] and redis.call('XRANGE', key, last, last)[1] then
        redis.call('XTRIM', key, 'MINID', last)
        from = #ids
    end
end
for i = from, #ids, 1000 do
    redis.call('XDEL', key, unpack(ids, i, math.min(i + 999, #ids)))
end
return { 'OK' }
