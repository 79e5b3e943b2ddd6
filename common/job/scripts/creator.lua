-- creator(account, member, answered:int, known:int, username, nickname, privacy_options, comment_disabled, duet_disabled, stitch_disabled, max_duration_s) flags(allow-oom)
-- What TikTok said of an account. answered: of the window: 1 it came · 0 surely not · -1 nobody knows. known: 1 these are
-- the account's · 0 it was no failure, but tells nothing of them · -1 a failure, one more in a row.
-- OK, failures in a row · STATE: there is no such account, or it was removed: nothing that names it is written any more
local key = P .. 'account:' .. account
if redis.call('EXISTS', key) == 0 or redis.call('HGET', key, 'status') == 'removed' then
    return { 'STATE' }
end
if answered == 1 then
    stamp(account, 'creator_info', member)
elseif answered == 0 then
    unstamp(account, 'creator_info', member)
end
if known == -1 then
    local last = redis.call('HMGET', key, 'creator_failed', 'creator_failures')
    local failures = tonumber(last[2] or '') or 0
    if last[1] ~= member then
        failures = failures + 1
        redis.call('HSET', key, 't_creator_failed', now, 'creator_failed', member, 'creator_failures', failures)
    end
    return { 'OK', failures }
end
redis.call('HDEL', key, 't_creator_failed', 'creator_failed', 'creator_failures')
if known == 1 then
    redis.call('HSET', key, 'creator_username', username, 'creator_nickname', nickname, 'privacy_options', privacy_options,
        'comment_disabled', comment_disabled, 'duet_disabled', duet_disabled, 'stitch_disabled', stitch_disabled,
        'max_duration_s', max_duration_s, 't_creator', now)
end
return { 'OK', 0 }
