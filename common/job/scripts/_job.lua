-- What every script that moves a job shares. A job is moved by move(), and nowhere else.
-- Everything is checked before the first write: Redis does not undo a script that fails half way.

-- What a job's hash has for scripts. The build makes of it, with those that a script names anywhere and no others:
--     load(id, more...)    the job as it stands, absent fields ''; nil when there is none. Behind it up to three more fields
--     blank(id)            one that is not there yet: its state is NONE
local FIELDS = { 'state', 'account', 'account_text', 'attempt', 'epoch', 'attempt_epoch', 'publish_id', 'kind',
    't_message', 't_expires', 't_due', 'priority', 'source', 'metadata', 'post_id', 'post_url', 'retries', 'hash',
    'error_code', 'error_cause', 'error_remedy', 'log_id', 'privacy', 'looks', 'media', 't_state' }

-- NOW with its microseconds: the scores of `ready` are turns, and a millisecond has many
local MOMENT = NOW .. string.format('.%03d', time[2] % 1000)

-- a whole number as a text, for redis.call()
local function text(number)
    return string.format('%d', number)
end

-- beyond any rank in a queue: the drafts that wait for room in the inbox
local HELD = 1e14

-- where the event leads to; nil: there is no such arrow. ARROWS, of state.h, is one text: a table would be built anew by
-- every call of every script.
local function arrow(from, event)
    local _, last = string.find(ARROWS, '\n' .. from .. ' ' .. event .. ' ', 1, true)
    return last and string.match(ARROWS, '^[%u_]+', last + 1)
end

-- 20261122, of milliseconds since 1970
local function day_of(ms)
    local z = math.floor(ms / 86400000) + 719468
    local era = math.floor(z / 146097)
    local doe = z - era * 146097
    local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local mp = math.floor((5 * doy + 2) / 153)
    local month = mp < 10 and mp + 3 or mp - 9
    local year = yoe + era * 400 + (month <= 2 and 1 or 0)
    return string.format('%04d%02d%02d', year, month, doy - math.floor((153 * mp + 2) / 5) + 1)
end

-- a new epoch of the fleet: <generation>-<n>, n with all its digits
local function new_epoch()
    return gate[3] .. '-' .. string.format('%.0f', redis.call('HINCRBY', P .. 'count', 'epoch', '1'))
end

-- the account may act again: it is looked at by the next claim, which knows its limits
local function wake(account, has_queue)
    if not has_queue and redis.call('EXISTS', P .. 'queue:' .. account) == 0 then
        return
    end
    local values = redis.call('HMGET', P .. 'account:' .. account, 'status', 'paused', 'refused_rev', 'rev')
    if (values[1] or 'ok') == 'ok' and not values[2] and (not values[3] or values[3] ~= values[4]) then
        redis.call('ZADD', P .. 'ready', 'LT', MOMENT, account)
    end
end

-- the place in its account's queue: by priority, then by age
local function rank(job)
    return (9 - (tonumber(job.priority) or 5)) * 1e13 + (tonumber(job.t_message) or now)
end

-- where a QUEUED job waits: for its account, for its moment, or in the queue of its account.
-- `delayed` holds the next moment at which a waiting job has to be looked at: due, or expired. Who calls this has taken
-- it out of there.
local function enqueue(job)
    local due = tonumber(job.t_due) or 0
    local expires = tonumber(job.t_expires) or 0
    if job.account == '' then
        redis.call('ZADD', P .. 'unknown:' .. job.account_text, job.t_message, job.id)
        if expires <= 0 then
            expires = job.t_account_until or redis.call('HGET', P .. 'job:' .. job.id, 't_account_until') or now
        end
        redis.call('ZADD', P .. 'delayed', expires, job.id)
        return
    end
    if due > now then
        redis.call('ZADD', P .. 'delayed', expires > 0 and math.min(due, expires) or due, job.id)
        return
    end
    redis.call('ZADD', P .. 'queue:' .. job.account, text(rank(job)), job.id)
    if expires > 0 then
        redis.call('ZADD', P .. 'delayed', expires, job.id)
    end
    wake(job.account, true)
end

-- A draft that the inbox has no room for: until `at`, or until another one leaves the inbox, which finds it by its
-- second place, behind all others in the queue.
local function hold_draft(job, at)
    local expires = tonumber(job.t_expires) or 0
    redis.call('HSET', P .. 'job:' .. job.id, 't_due', at)
    redis.call('ZADD', P .. 'queue:' .. job.account, HELD + rank(job), job.id)
    redis.call('ZADD', P .. 'delayed', expires > 0 and math.min(at, expires) or at, job.id)
end

-- the job's draft is not in the inbox any more, and another one may take its place
local function leave_inbox(job)
    if redis.call('ZREM', P .. 'inbox:' .. job.account, job.id) == 0 then
        return
    end
    local id = redis.call('ZRANGE', P .. 'queue:' .. job.account, HELD, '+inf', 'BYSCORE', 'LIMIT', 0, 1)[1]
    local held = id and load(id)
    if held then
        redis.call('HSET', P .. 'job:' .. id, 't_due', 0)
        held.t_due = '0'
        redis.call('ZREM', P .. 'delayed', id)
        enqueue(held)
    end
end

-- What an account may have posted, for two days (drafts wait in its inbox, moderation takes hours): each attempt that
-- reached its commit point, `<epoch> <job>` -> when, until it surely made no post. Evidence of presence is weighed by it.
local SENT_KEPT = 2 * 86400000

local function sent(account, epoch, id, at)
    local key = P .. 'window:' .. account .. ':sent'
    redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now - SENT_KEPT))
    redis.call('ZADD', key, at, epoch .. ' ' .. id)
    redis.call('PEXPIRE', key, text(SENT_KEPT))
end

local function unsent(job)
    redis.call('ZREM', P .. 'window:' .. job.account .. ':sent', job.attempt_epoch .. ' ' .. job.id)
end

-- What other jobs of the account are at TikTok as: the public ids that are known, by spaces, and the job of an attempt
-- whose own is not ('': none). As long as there is one, a video that is listed may be that one's. A private post is
-- never listed; a FAILED one with a publish id is TikTok's own word.
local function others(account, id)
    local known, open = {}, ''
    for _, member in ipairs(redis.call('ZRANGE', P .. 'window:' .. account .. ':sent', 0, -1)) do
        local epoch, other = string.match(member, '^(%S+) (.+)$')
        if other ~= id then
            local job = load(other)
            local same = job and job.attempt_epoch == epoch
            if same and job.post_id ~= '' then
                known[#known + 1] = job.post_id
            elseif not (same and (job.state == 'FAILED' and job.publish_id ~= ''
                    or job.state == 'PUBLISHED' and job.privacy == 'SELF_ONLY')) then
                open = other
            end
        end
    end
    return table.concat(known, ' '), open
end

-- the attempt made no post: it does not count in the account's day
local function uncount(job)
    unsent(job)
    if job.kind == 'draft' then
        leave_inbox(job)
    else
        redis.call('ZREM', P .. 'day:' .. job.account, job.attempt_epoch)
    end
end

-- Where people see the post: as it was told, else made of the account's handle and the public id, as far as both are known.
local function url_of(job, post_id, told)
    if told ~= '' or post_id == '' or job.media == '' then
        return told
    end
    local kind = job.media == 'photos' and 'photo' or 'video'
    local names = redis.call('HMGET', P .. 'account:' .. job.account, 'username', 'creator_username')
    local name = names[1] or names[2] or ''
    return string.match(name, '^[%w._]+$') and 'https://www.tiktok.com/@' .. name .. '/' .. kind .. '/' .. post_id or ''
end

-- who has a worker
local IS_LEASED = { CLAIMED = true, SENDING = true, UPLOADING = true }

-- the places that a state holds, left and entered
local function leave(job, to)
    local from, id, account = job.state, job.id, job.account
    if from == 'QUEUED' then
        if account == '' or job.t_due ~= '' or job.t_expires ~= '' then
            redis.call('ZREM', P .. 'delayed', id)
        end
        if account == '' then
            redis.call('ZREM', P .. 'unknown:' .. job.account_text, id)
            redis.call('DECR', P .. 'unknown')
        else
            redis.call('ZREM', P .. 'queue:' .. account, id)
            redis.call('HINCRBY', P .. 'account:' .. account, 'queued', '-1')
        end
        return
    end
    if not IN_FLIGHT[from] and from ~= 'IN_INBOX' then
        return
    end
    if from == 'SENDING' or from == 'CLAIMED' and to ~= 'SENDING' then
        redis.call('ZREM', P .. 'open', id)
    end
    if IS_LEASED[from] and not IS_LEASED[to] then
        redis.call('ZREM', P .. 'leases', id)
    end
    if from == 'UNSURE' then
        redis.call('ZREM', P .. 'unsure', id)
    end
    if from == 'PROCESSING' or from == 'IN_INBOX' then
        redis.call('ZREM', P .. 'polls', id)
    end
    if IN_FLIGHT[from] and not IN_FLIGHT[to] then
        redis.call('ZREM', P .. 'slots', id)
        redis.call('SREM', P .. 'flying:' .. account, id)
        if job.kind == 'draft' and to ~= 'IN_INBOX' then
            leave_inbox(job)
        end
        wake(account)
    elseif from == 'IN_INBOX' then
        leave_inbox(job)
    end
end

local function enter(job)
    local to, id, account = job.state, job.id, job.account
    if to == 'QUEUED' then
        if account ~= '' then
            redis.call('HINCRBY', P .. 'account:' .. account, 'queued', '1')
        else
            redis.call('INCR', P .. 'unknown')
        end
        enqueue(job)
    elseif to == 'CLAIMED' then
        redis.call('ZADD', P .. 'slots', NOW, id)
        redis.call('SADD', P .. 'flying:' .. account, id)
    elseif to == 'UNSURE' then
        redis.call('ZADD', P .. 'unsure', NOW, id)
    end
end

local TOLD = { 'account', 'account_text', 'attempt', 'publish_id', 'post_id', 'post_url', 'kind', 'error_code',
    'error_cause', 'error_remedy', 'log_id', 'source', 'metadata', 'from', 'spent', 't_message' }

-- what people and upstreams hear of it
local function tell(job, name, event, by, why)
    local fields = { 'job_id', job.id, 'epoch', job.attempt_epoch ~= '' and job.attempt_epoch or '0-0', 'name', name,
        'event', event, 'at', NOW, 'by', by }
    local n = #fields
    for i = 1, #TOLD do
        local value = job[TOLD[i]]
        if value and value ~= '' then
            fields[n + 1], fields[n + 2] = TOLD[i], value
            n = n + 2
        end
    end
    redis.call('XADD', P .. 'outbox', '*', unpack(fields, 1, n))
    redis.call('XADD', P .. 'events', 'MAXLEN', '~', events_kept_text, '*', 'job_id', job.id, 'name', name, 'at', NOW,
        'account', job.account_text, 'why', why)
end

-- A line of the timeline. A job that only waits has none, which would be a third of a backlog's weight: its first line is
-- made of the job itself when it moves for the first time.
local function note(job, from, event, to, by, why)
    if from == 'NONE' and event == 'INGEST' then
        return
    end
    local key = P .. 'log:' .. job.id
    local line = table.concat({ NOW, job.attempt_epoch or '', from, event, to, by, why }, '\t')
    local length = redis.call('RPUSH', key, line)
    if length > log_timeline then
        redis.call('LTRIM', key, -log_timeline, -1)
    elseif length == 1 and from == 'QUEUED' then
        local ingested = job.t_ingested or redis.call('HGET', P .. 'job:' .. job.id, 't_ingested')
        if ingested then
            redis.call('LPUSH', key, table.concat({ ingested, '', 'NONE', 'INGEST', 'QUEUED', job.source, '' }, '\t'))
        end
    end
end

-- Puts a job into a state: its places, counts, timeline and TTLs. move() is for arrows; the gate's replay puts what the
-- journal says, and tells nobody.
local function put(job, to, event, by, set)
    local from, id = job.state, job.id
    local key = P .. 'job:' .. id
    -- how long it was there, for the metrics
    job.from, job.spent = from, text(now - (tonumber(job.t_state) or now))
    leave(job, to)
    job.state = to
    local values = { 'state', to, 't_state', NOW }
    if IS_END[to] then
        values = { 'state', to, 't_state', NOW, 't_end', NOW }
    end
    local n = #values
    for field, value in pairs(set) do
        job[field] = value
        values[n + 1], values[n + 2] = field, value
        n = n + 2
    end
    redis.call('HSET', key, unpack(values, 1, n))
    enter(job)
    if from ~= 'NONE' then
        redis.call('HINCRBY', P .. 'count', from, '-1')
        if from ~= 'QUEUED' then
            redis.call('ZREM', P .. 'state:' .. from, id)
        end
    end
    redis.call('HINCRBY', P .. 'count', to, '1')
    if to ~= 'QUEUED' then
        redis.call('ZADD', P .. 'state:' .. to, NOW, id)
    end
    note(job, from, event, to, by, job.error_code or '')
    if IS_END[to] then
        redis.call('ZREMRANGEBYRANK', P .. 'state:' .. to, '0', text(-state_kept - 1))
        redis.call('PEXPIRE', key, job_keep_ms_text)
        redis.call('PEXPIRE', P .. 'message:' .. id, job_keep_message_ms_text)
        redis.call('PEXPIRE', P .. 'log:' .. id, job_keep_message_ms_text)
        if event ~= 'REPLAY' then
            local today = P .. 'count:' .. day_of(now)
            if redis.call('HINCRBY', today, to, '1') == 1 then
                redis.call('PEXPIRE', today, '7776000000')
            end
        end
    elseif IS_END[from] then
        redis.call('HDEL', key, 't_end')
        redis.call('PERSIST', key)
        redis.call('PERSIST', P .. 'message:' .. id)
        redis.call('PERSIST', P .. 'log:' .. id)
    elseif from == 'NONE' and not job.is_new then
        -- what commands said of it may have been here before it, with a TTL
        redis.call('PERSIST', key)
    end
end

-- The arrow `event` of a job, which the caller has checked to be there. `set` holds the fields that change with it.
local function move(job, event, by, set)
    put(job, arrow(job.state, event), event, by, set)
    if job.state ~= 'CLAIMED' then
        tell(job, job.state, event, by, job.error_code or '')
    end
end

-- a TTL that never shortens: calls that are open still count in a window until later
local function lengthen(key, ms)
    if redis.call('PEXPIRE', key, text(ms), 'GT') == 0 then
        -- it has a longer one, or none yet
        redis.call('PEXPIRE', key, text(ms), 'NX')
    end
end

-- an answer has come for the call that a claim opened: it counts from now, not from the latest moment possible, until
-- which, and for two windows more, the claim has given the key to live
local function stamp(account, what, member)
    redis.call('ZADD', P .. 'window:' .. account .. ':' .. what, 'XX', NOW, member)
end

-- the call surely never arrived
local function unstamp(account, what, member)
    redis.call('ZREM', P .. 'window:' .. account .. ':' .. what, member)
end

-- the moment at which a window has room again; 0: it has
local function window_free_at(account, what, limit, window_ms)
    local key = P .. 'window:' .. account .. ':' .. what
    redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now - window_ms))
    if redis.call('ZCARD', key) < limit then
        return 0
    end
    return tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]) + window_ms + 1
end

-- the account acts no sooner than `at`; a later moment that is known already stays
local function hold_account(account, at, why)
    local key = P .. 'account:' .. account
    if at > (tonumber(redis.call('HGET', key, 'after') or '') or 0) then
        redis.call('HSET', key, 'after', at, 'after_why', why)
    end
    if redis.call('ZSCORE', P .. 'ready', account) then
        redis.call('ZADD', P .. 'ready', 'GT', at, account)
    end
end

local function park_account(account, why)
    if redis.call('HGET', P .. 'account:' .. account, 'status') == 'removed' then
        return
    end
    redis.call('HSET', P .. 'account:' .. account, 'status', 'parked', 'parked_why', why, 't_parked', now)
    redis.call('ZADD', P .. 'parked', 'NX', now, account)
    redis.call('ZREM', P .. 'ready', account)
end

-- TikTok refused the account's access token, of the record's revision `rev`: it is refreshed at once, and until there is
-- another one nothing is claimed with it. An older one than the account has by now says nothing. Refused again and again
-- with no accepted call between, each new one waits longer, and then a person must look. A consent that is dead is known
-- to be, and nobody refreshes it.
local REFUSED_AT_MOST = 4

local function refuse_token(account, rev, why, window_ms)
    local key = P .. 'account:' .. account
    local values = redis.call('HMGET', key, 'rev', 'refused_rev', 'refused', 'refresh_until', 'refresh_failures', 'status', 'parked_why')
    local is_dead = values[6] == 'parked' and (values[7] == 'invalid_grant' or values[7] == 'no_refresh_token')
    if not values[1] or values[1] ~= rev or values[2] == rev or is_dead then
        return
    end
    local times = (tonumber(values[3] or '') or 0) + 1
    redis.call('HSET', key, 'refused_rev', rev, 't_refused', now, 'refused', times)
    redis.call('ZREM', P .. 'ready', account)
    if times > REFUSED_AT_MOST then
        park_account(account, why)
    end
    -- who refreshes it now, or waits for its next try, goes on with that
    if (tonumber(values[4] or '') or 0) < now and not values[5] then
        redis.call('ZADD', P .. 'refresh', times == 1 and now or now + window_ms * 2 ^ (times - 2), account)
    end
end

-- TikTok accepted a call with it
local function accept_token(account)
    redis.call('HDEL', P .. 'account:' .. account, 'refused')
end

-- How many of a job's commands are remembered, the newest; what is read again after so many others finds a job that
-- does not stand any more where it names it.
local REMEMBERED = 16

-- The ids of commands that came to something on the job (and, behind a '!', of those that were refused), with these
local function remember_in(key, field, ids)
    local all, seen = {}, {}
    for id in string.gmatch((redis.call('HGET', key, field) or '') .. ' ' .. ids, '%S+') do
        if not seen[id] then
            seen[id] = true
            all[#all + 1] = id
        end
    end
    redis.call('HSET', key, field, table.concat(all, ' ', math.max(1, #all - REMEMBERED + 1)))
end

local function remember(job_id, ids)
    remember_in(P .. 'job:' .. job_id, 'commands', ids)
end

-- What a person's word for the end of a job says, by its code
local SAID = {
    cancelled = { 'It was cancelled before it was sent.', 'Send it under a new job_id if it is wanted after all.' },
    resolved_failed = { 'Nobody knew whether it was published; a person said that it was not.',
        'Send it again if it is still wanted (tokfleet retry).' },
}

-- another moment for a job that waits; expires 0: as it was. at: of the command, the newest counts.
local function reschedule(job, due, expires, at)
    local key = P .. 'job:' .. job.id
    redis.call('HSET', key, 't_due', due, 'due_told', due, 'expires_told', expires, 't_told', at)
    job.t_due = due
    if expires > 0 then
        redis.call('HSET', key, 't_expires', expires)
        job.t_expires = expires
    end
    redis.call('ZREM', P .. 'delayed', job.id)
    if job.account ~= '' then
        redis.call('ZREM', P .. 'queue:' .. job.account, job.id)
    end
    enqueue(job)
end
