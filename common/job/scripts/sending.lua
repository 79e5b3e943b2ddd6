-- sending(job_id, epoch, worker)
-- The INTENT is in the journal: the next request may publish. Accepted for the owner of the epoch only.
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
move(job, 'INTENT', worker, { t_sending = now })
sent(job.account, epoch, job_id, now)
return { 'OK' }
