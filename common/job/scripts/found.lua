-- found(job_id, epoch, member, calls:int, pages:int, post_id, post_url, said, looks:int, over:int, token_rev, poller) conf(unsure.look_ms, unsure.looks, limit.window_ms) flags(allow-oom)
-- What a listing said of the attempt `epoch`, in words. post_id: the one video that is its post; '': none, which changes
-- nothing but the note. looks: those that were answered, this one included. over: no further look can say more.
-- token_rev: '', or of the record whose access token TikTok refused.
-- Taken only if what the listing was weighed by still holds: every other post of the account has a public id, another one.
-- OK, the state
local job = load(job_id)
-- the calls were made, whatever has become of the job
for page = 1, pages do
    local one = member .. '#' .. string.format('%d', page)
    if page <= calls then
        stamp('*', 'video_list', one)
    else
        unstamp('*', 'video_list', one)
    end
end
if job and token_rev ~= '' then
    refuse_token(job.account, token_rev, 'access_token_invalid', limit_window_ms)
end
if not job or job.attempt_epoch ~= epoch then
    return { 'FENCED' }
end
if job.state == 'PUBLISHED' and post_id ~= '' and job.post_id == post_id then
    return { 'OK', job.state }
end
if job.state ~= 'UNSURE' or job.publish_id ~= '' then
    return { 'STATE', job.state }
end
if post_id ~= '' then
    local known, whose = others(job.account, job_id)
    if whose ~= '' then
        said = 'A video fits, and meanwhile the public id of job ' .. whose .. ' of this account is not known: it could'
            .. ' be that one.'
    elseif string.find(' ' .. known .. ' ', ' ' .. post_id .. ' ', 1, true) then
        said = 'The video that fits is the post of another job.'
    else
        move(job, 'FOUND', poller, { epoch = new_epoch(), post_id = post_id, post_url = post_url, error_code = '',
            error_cause = '', error_remedy = '', evidence_epoch = epoch, evidence_looks = looks, evidence_at = now,
            evidence_next = 0, evidence_said = said })
        return { 'OK', job.state }
    end
end
local is_over = over == 1 or looks >= unsure_looks
redis.call('HSET', P .. 'job:' .. job_id, 'evidence_epoch', epoch, 'evidence_looks', looks, 'evidence_at', now,
    'evidence_next', is_over and 0 or now + unsure_look_ms * 2 ^ looks, 'evidence_said', said)
return { 'OK', job.state }
