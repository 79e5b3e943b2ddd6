-- creator_ask(account, member, timeout_ms:int) conf(limit.creator_info, limit.window_ms)
-- A call of creator info is about to be made: opens a member in the account's window. OK · WAIT ms until there is room
local free_at = window_free_at(account, 'creator_info', limit_creator_info, limit_window_ms)
if free_at > now then
    return { 'WAIT', free_at - now }
end
local window = P .. 'window:' .. account .. ':creator_info'
redis.call('ZADD', window, now + timeout_ms, member)
lengthen(window, timeout_ms + limit_window_ms * 2)
return { 'OK' }
