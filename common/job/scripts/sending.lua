-- sending(job_id, epoch, worker, warnings)
-- The INTENT is in the journal: the next request may publish. Accepted for the owner of the epoch only. warnings: lines
-- that this attempt adds to the job's.
local job = load(job_id)
if not job or job.epoch ~= epoch then
    return { 'FENCED' }
end
if job.state == 'SENDING' then
    return { 'OK' }
end
if not arrow(job.state, 'INTENT') then
    return { 'STATE', job.state }
end
move(job, 'INTENT', worker, { t_sending = NOW })
if warnings ~= '' then
    local have = redis.call('HGET', P .. 'job:' .. job_id, 'warnings') or ''
    for line in string.gmatch(warnings, '[^\n]+') do
        if not string.find('\n' .. have .. '\n', '\n' .. line .. '\n', 1, true) then
            have = have == '' and line or have .. '\n' .. line
        end
    end
    redis.call('HSET', P .. 'job:' .. job_id, 'warnings', have)
end
sent(job.account, epoch, job_id, NOW)
return { 'OK' }
