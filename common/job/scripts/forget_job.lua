-- forget_job(job_id, account) flags(allow-oom)
-- What is personal on an ended job of an account whose user is to be forgotten goes: message, timeline, metadata, the
-- names and addresses in it. Its id, state, epochs and TikTok's ids stay, so that it is never made again.
-- OK how many keys and fields went · STATE the state of a job that has not ended, or is not this account's
local job = load(job_id)
if not job or job.account ~= account or not IS_END[job.state] then
    return { 'STATE', job and job.state or 'NONE' }
end
local went = redis.call('DEL', P .. 'message:' .. job_id, P .. 'log:' .. job_id)
    + redis.call('HDEL', P .. 'job:' .. job_id, 'metadata', 'post_url', 'warnings', 'evidence_said')
if job.account_text ~= '' and job.account_text ~= account then
    redis.call('HSET', P .. 'job:' .. job_id, 'account_text', account)
    went = went + 1
end
return { 'OK', went }
