-- policy_retry(job_id, epoch, publish_id, id, cause, remedy, poller) flags(allow-oom)
-- The policy's retry of the doubt of that attempt, whose command `id` is in the journal. A late answer, or somebody's word,
-- may have come first. A late answer to the old attempt is taken until the next claim. OK, the state
local job = load(job_id)
if not job or job.attempt_epoch ~= epoch then
    return { 'FENCED' }
end
local remembered = ' ' .. (redis.call('HGET', P .. 'job:' .. job_id, 'commands') or '') .. ' '
if string.find(remembered, ' ' .. id .. ' ', 1, true) then
    -- done before
    return { 'OK', job.state }
end
if job.state ~= 'UNSURE' or job.publish_id ~= publish_id then
    return { 'STATE', job.state }
end
remember(job_id, id)
move(job, 'RETRY', poller, { epoch = new_epoch(), doubt_retried = publish_id == '' and epoch or '', retries = (tonumber(job.retries) or 0) + 1, t_due = 0, publish_id = '',
    error_code = 'unsure_retried', error_cause = cause, error_remedy = remedy,
    -- the claim of the new attempt clears the error; this stays
    warnings = (redis.call('HGET', P .. 'job:' .. job_id, 'warnings') or '') .. 'attempt ' .. job.attempt .. ': ' .. cause
        .. ' ' .. remedy .. '\n' })
return { 'OK', job.state }
