-- gate_accounts(told) flags(allow-oom)
-- Accounts whose records came to Kafka while the gate was being opened. told '': OK and from where <fleet>.accounts is still
-- to be read, `partition:offset` by spaces ('': from the beginning) · WAIT: nothing is left. Else OK: what is there from
-- `told` on ('*': from the beginning) has been put into Redis.
local left = redis.call('HGET', KEYS[1], 'accounts')
if told == '' then
    return left and { 'OK', left } or { 'WAIT' }
end
if left and told == (left ~= '' and left or '*') then
    redis.call('HDEL', KEYS[1], 'accounts')
end
return { 'OK' }
