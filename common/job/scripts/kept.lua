-- kept(job_id) flags(allow-oom)
-- The job's message is in the journal: it outlives the topic. OK
if redis.call('EXISTS', P .. 'job:' .. job_id) == 1 then
    redis.call('HSET', P .. 'job:' .. job_id, 'kept', 1)
end
return { 'OK' }
