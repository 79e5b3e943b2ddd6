-- sweep_due(poller, interval:int)
-- Is it time to sweep the journal? Who is answered OK does it; nobody else for an interval. OK now ·
-- WAIT ms. now: what is old is told by Redis' clock, since that of a poller may be off by years, and this is for good.
local last = tonumber(redis.call('HGET', KEYS[1], 't_swept') or '') or -interval
if last + interval > now then
    return { 'WAIT', last + interval - now }
end
redis.call('HSET', KEYS[1], 't_swept', now)
return { 'OK', now }
