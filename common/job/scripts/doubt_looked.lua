-- doubt_looked(looked...) flags(allow-oom)
-- job_id epoch ...: the journal was read from its beginning to its end, and what it holds of that attempt is here. OK
for i = 1, #looked, 2 do
    local key = P .. 'job:' .. looked[i]
    if redis.call('HGET', key, 'attempt_epoch') == looked[i + 1] then
        redis.call('HSET', key, 'looked_epoch', looked[i + 1])
    end
end
return { 'OK' }
