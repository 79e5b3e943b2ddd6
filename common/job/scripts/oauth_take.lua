-- oauth_take(state, ticket) flags(allow-oom)
-- A callback takes the consent that it belongs to, once: ticket says who asks, so that a lost answer may be asked again.
-- OK sealed · STATE NONE: no such state, or not any more · STATE USED: another callback took it
local key = P .. 'oauth:' .. state
local values = redis.call('HMGET', key, 'sealed', 'taken')
if not values[1] then
    return { 'STATE', 'NONE' }
end
if values[2] and values[2] ~= ticket then
    return { 'STATE', 'USED' }
end
redis.call('HSET', key, 'taken', ticket)
return { 'OK', values[1] }
