-- cancel(job_id, by) flags(allow-oom)
-- Before the commit point only. The epoch is new, so that a worker that holds the job is fenced.
local job = load(job_id)
if not job then
    return { 'STATE', 'NONE' }
end
if not arrow(job.state, 'CANCEL') then
    return { 'STATE', job.state }
end
local set = { error_code = 'cancelled', error_cause = 'It was cancelled before it was sent.',
    error_remedy = 'Send it under a new job_id if it is wanted after all.' }
if job.state ~= 'QUEUED' then
    unstamp(job.account, 'init', job.attempt_epoch)
    uncount(job)
    set.epoch = new_epoch()
end
move(job, 'CANCEL', by, set)
return { 'OK', job.state }
