-- watermark(partition, shown) conf(events.kept)
-- The topic is another one than the watermark knew: begin it again, unless somebody has moved the watermark since.
local mark = redis.call('HGET', P .. 'watermark', partition) or ''
if mark ~= shown then
    return { 'FENCED', mark }
end
redis.call('HDEL', P .. 'watermark', partition)
redis.call('XADD', P .. 'events', 'MAXLEN', '~', events_kept, '*', 'job_id', '', 'name', 'TOPIC_RESTARTED', 'at', now,
    'account', '', 'why', partition .. ' does not fit its watermark ' .. string.match(shown .. ' ', '^%S*') .. ': read from the beginning')
return { 'OK' }
