-- account_read(account) flags(no-writes)
-- All that Redis holds of an account, at one moment. account: an open_id or an alias. Writes nothing.
-- OK open_id sealed ('' for none) field value ... · STATE NONE: there is no such account
local open_id = string.sub(account, 1, 1) == '@' and redis.call('HGET', P .. 'alias', account) or account
local fields = redis.call('HGETALL', P .. 'account:' .. open_id)
if not redis.call('HGET', P .. 'account:' .. open_id, 'rev') then
    return { 'STATE', 'NONE' }
end
return { 'OK', open_id, redis.call('GET', P .. 'token:' .. open_id) or '', unpack(fields) }
