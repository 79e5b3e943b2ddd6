-- sweep_due(poller, interval:int)
-- Is it time to sweep the journal? Who is answered OK does it; nobody else for an interval. OK · WAIT ms
local last = tonumber(redis.call('HGET', KEYS[1], 't_swept') or '') or -interval
if last + interval > now then
    return { 'WAIT', last + interval - now }
end
redis.call('HSET', KEYS[1], 't_swept', now)
return { 'OK' }
