-- poll_claim(poller, count:int, timeout_ms:int) conf(limit.status, limit.window_ms, poll.horizon_ms) flags(allow-oom)
-- Publish ids whose next look is due. Each is taken out of sight for timeout_ms and opens a member in its account's
-- status window. OK, then for each: job_id state publish_id account attempt_epoch looks t_accepted member sealed_token
-- privacy retries now late rev · WAIT ms. late: ms since it was due; rev: of the account's record, whose token it is
local due = redis.call('ZRANGE', P .. 'polls', '-inf', NOW, 'BYSCORE', 'LIMIT', '0', count, 'WITHSCORES')
local reply, until_text = { 'OK' }, text(now + timeout_ms)
for i = 1, #due, 2 do
    local id = due[i]
    local job, t_accepted = load(id, 't_accepted')
    if not job or (job.state ~= 'PROCESSING' and job.state ~= 'IN_INBOX' and job.state ~= 'PUBLISHED') then
        redis.call('ZREM', P .. 'polls', id)
    else
        local values = redis.call('HMGET', P .. 'account:' .. job.account, 'rev', 'refused_rev')
        local free_at = window_free_at(job.account, 'status', limit_status, limit_window_ms)
        local accepted = t_accepted or '0'
        if values[1] and values[1] == values[2] and now - tonumber(accepted) <= poll_horizon_ms then
            -- its token is being refreshed; beyond the horizon any answer decides, also that it is refused
            free_at = math.max(free_at, now + timeout_ms)
        end
        if free_at > now then
            redis.call('ZADD', P .. 'polls', free_at, id)
        else
            local member = id .. '@' .. NOW
            local window = P .. 'window:' .. job.account .. ':status'
            redis.call('ZADD', P .. 'polls', until_text, id)
            redis.call('ZADD', window, until_text, member)
            lengthen(window, timeout_ms + limit_window_ms * 2)
            for _, value in ipairs({ id, job.state, job.publish_id, job.account, job.attempt_epoch, job.looks,
                accepted, member, redis.call('GET', P .. 'token:' .. job.account) or '', job.privacy, job.retries,
                NOW, text(now - tonumber(due[i + 1])), values[1] or '' }) do
                reply[#reply + 1] = value
            end
        end
    end
end
if #reply > 1 then
    return reply
end
local first = redis.call('ZRANGE', P .. 'polls', 0, 0, 'WITHSCORES')[2]
return { 'WAIT', first and math.max(0, tonumber(first) - now) or -1 }
