-- audit(poller, cursor, count:int, keep_at_most:int) conf(topics.jobs_retention_ms, lease.ms) flags(allow-oom)
-- A slow walk over all jobs: what two keys disagree about is repaired, the job's own state being the truth; and jobs that
-- have no end after half of the topic's retention are named, so that their messages go to the journal.
-- OK cursor repairs text... jobs to keep (job_id source t_message message)...: the walk goes on at the cursor, '0' begins
-- anew; `repairs` says how many texts there are.
local repairs, keep = {}, {}

local function repaired(id, what)
    repairs[#repairs + 1] = id .. ': ' .. what
end

local function must_be_in(zset, id, score, what)
    if not redis.call('ZSCORE', P .. zset, id) then
        redis.call('ZADD', P .. zset, score, id)
        repaired(id, what)
    end
end

local function waits(job)
    if job.account == '' then
        return redis.call('ZSCORE', P .. 'unknown:' .. job.account_text, job.id)
    end
    return redis.call('ZSCORE', P .. 'queue:' .. job.account, job.id) or redis.call('ZSCORE', P .. 'delayed', job.id)
end

-- it may yet be sent: a doubt, too, which a person may want tried again
local function keep_message(job)
    local old = (tonumber(job.t_message) or now) < now - topics_jobs_retention_ms / 2
    if old and #keep < keep_at_most * 4 and not redis.call('HGET', P .. 'job:' .. job.id, 'kept') then
        local message = redis.call('GET', P .. 'message:' .. job.id)
        if message then
            for _, value in ipairs({ job.id, job.source, job.t_message, message }) do
                keep[#keep + 1] = value
            end
        end
    end
end

local function look_at(job)
    local id, state = job.id, job.state
    if not IS_END[state] then
        keep_message(job)
    end
    if state == 'QUEUED' then
        if not waits(job) then
            enqueue(job)
            repaired(id, 'it was QUEUED and waited nowhere')
        end
        return
    end
    if state == 'CLAIMED' or state == 'SENDING' then
        must_be_in('leases', id, now + lease_ms, 'it was ' .. state .. ' without a lease')
    elseif state == 'PROCESSING' then
        must_be_in('polls', id, now, 'it was PROCESSING and nobody followed it')
    elseif state == 'UNSURE' then
        must_be_in('unsure', id, now, 'it was UNSURE and not listed')
    end
    if not IS_END[state] then
        must_be_in('state:' .. state, id, now, 'it was not listed as ' .. state)
    end
    if not IN_FLIGHT[state] and redis.call('ZREM', P .. 'slots', id) == 1 then
        repaired(id, 'it held a slot as ' .. state)
    end
end

-- members of a small set whose job does not belong there
local function sweep(zset, belongs, what)
    for _, id in ipairs(redis.call('ZRANGE', P .. zset, 0, 999)) do
        local state = redis.call('HGET', P .. 'job:' .. id, 'state')
        if not state or not belongs[state] then
            redis.call('ZREM', P .. zset, id)
            repaired(id, what .. (state or 'no job'))
        end
    end
end

if cursor == '0' then
    sweep('slots', IN_FLIGHT, 'it held a slot as ')
    sweep('open', { CLAIMED = true, SENDING = true }, 'its commit point was open as ')
    sweep('leases', { CLAIMED = true, SENDING = true, UPLOADING = true }, 'it had a lease as ')
end
local page = redis.call('SCAN', cursor, 'MATCH', P .. 'job:*', 'COUNT', count)
for _, key in ipairs(page[2]) do
    local job = load(string.sub(key, #P + 5))
    if job then
        look_at(job)
    end
end
local reply = { 'OK', page[1], #repairs }
for _, list in ipairs({ repairs, keep }) do
    for _, value in ipairs(list) do
        reply[#reply + 1] = value
    end
end
return reply
