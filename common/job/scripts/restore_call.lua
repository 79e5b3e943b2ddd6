-- restore_call(taker, account, epoch, mode, job_id, at:int, aborted:int) conf(limit.window_ms, limit.day_ms, lease.ms) flags(allow-oom) gate(taken)
-- An attempt of the last day, as the journal has it, counts again in its account's windows. It may have arrived as late
-- as its lease lasted.
local latest = math.min(at + lease_ms, now + lease_ms)
local window = P .. 'window:' .. account .. ':init'
if latest > now - limit_window_ms and not redis.call('ZSCORE', window, epoch) then
    redis.call('ZADD', window, latest, epoch)
    lengthen(window, lease_ms + limit_window_ms * 2)
end
if aborted == 0 then
    sent(account, epoch, job_id, at)
end
-- a draft whose job has come to another end has left the inbox
local state = redis.call('HGET', P .. 'job:' .. job_id, 'state')
local gone = mode == 'draft' and IS_END[state] and state ~= 'IN_INBOX'
if aborted == 0 and at > now - limit_day_ms and not gone then
    local day = P .. (mode == 'draft' and 'inbox:' or 'day:') .. account
    redis.call('ZADD', day, 'NX', at, mode == 'draft' and job_id or epoch)
    lengthen(day, limit_day_ms * 2)
    local active = P .. 'active:' .. day_of(at)
    redis.call('SADD', active, account)
    redis.call('PEXPIRE', active, 2 * 86400000)
end
return { 'OK' }
