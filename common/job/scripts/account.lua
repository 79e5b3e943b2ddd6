-- account(open_id, rev, seen, alias, aliases, sealed, scopes, status, why, settings, connected_at, token_at, expires_at, refresh_expires_at, taker, by, profile...) conf(refresh.age_ms, refresh.jitter_ms, refresh.soon_ms) flags(allow-oom) gate(either)
-- An account as <fleet>.accounts has it, whole. The higher rev wins; seen: the rev that the writer built on ('': whatever
-- is there). A writer who is not the newest hears NEWER, and nothing changes: what Redis holds then has to be written to
-- Kafka again (job/account_write.h). An alias belongs to one open_id for ever: STATE names the owner. alias: the one that
-- this call stores, each in one of its own; aliases: all of them, the newest first, by spaces.
-- profile: name, value, ... Jobs that waited for the account move to its queue, 1,000 a call.
-- status: ok, parked (why), removed: without tokens, its aliases stay its own.
-- Says on the events when an account needs a new consent, and, once for each day that this is, when its consent ends soon.
-- OK, how many jobs still wait (call again until 0), STORED | KNOWN | NEWER
local DAY = 86400000
-- why nothing but a person's consent helps, in words
local CONSENT = {
    invalid_grant = 'TikTok does not accept the refresh token any more, and Kafka holds no newer one.',
    no_refresh_token = 'The account was connected without a refresh token.',
}
local key = P .. 'account:' .. open_id
local owner = alias ~= '' and redis.call('HGET', P .. 'alias', alias) or ''
if owner ~= '' and owner ~= open_id then
    return { 'STATE', owner }
end
local have = tonumber(redis.call('HGET', key, 'rev') or '') or -1
local is_same = have == tonumber(rev) and (redis.call('GET', P .. 'token:' .. open_id) or '') == sealed
local is_newer = not is_same and (have >= tonumber(rev) or seen ~= '' and have >= 0 and have ~= tonumber(seen))
if is_newer then
    return { 'OK', 0, 'NEWER' }
end

local function keep(name, value)
    if value == '' then
        redis.call('HDEL', key, name)
    else
        redis.call('HSET', key, name, value)
    end
end

-- What is due before its end: at refresh.age, or at three quarters of a life that is shorter. Spread by the account's
-- name, so that the same record has the same moment whoever stores it.
local function refresh_at()
    local ends, begins = tonumber(expires_at), tonumber(token_at) or 0
    if begins <= 0 or begins > ends then
        begins = math.min(now, ends)
    end
    local life = ends - begins
    local at = begins + (life > refresh_age_ms and refresh_age_ms or life * 3 / 4)
    local part = tonumber(string.sub(redis.sha1hex(open_id .. rev), 1, 6), 16) / 16777216
    return math.floor(at - part * math.min(refresh_jitter_ms, life / 4))
end

local function tell_account(name, code, cause)
    redis.call('XADD', P .. 'outbox', '*', 'name', name, 'event', name, 'epoch', rev, 'at', now, 'by', by, 'account',
        open_id, 'error_code', code, 'error_cause', cause, 'error_remedy',
        'Connect the account again (tokfleet account connect); its jobs wait until then, or until their expires_at.')
    redis.call('XADD', P .. 'events', 'MAXLEN', '~', events_kept, '*', 'job_id', '', 'name', name, 'at', now, 'account',
        open_id, 'why', code)
end

-- what upstreams hear of the record; nothing of what they were told before Redis forgot it
local function tell_changes(had)
    local ends = tonumber(refresh_expires_at) or 0
    if taker ~= '' then
        return
    end
    if status == 'parked' and CONSENT[why] and not (had[1] == status and had[2] == why) then
        tell_account('NEEDS_CONSENT', why, CONSENT[why])
    elseif status == 'ok' and ends > 0 and ends - now < refresh_soon_ms then
        local day = string.format('%d', math.floor(ends / DAY))
        if had[3] ~= day then
            redis.call('HSET', key, 'soon_told', day)
            tell_account('CONSENT_ENDS_SOON', 'consent_ends_soon', 'The consent ends in '
                .. string.format('%d', math.max(0, math.floor((ends - now) / DAY))) .. ' days.')
        end
    end
end

local function store()
    local had = redis.call('HMGET', key, 'status', 'parked_why', 'soon_told')
    redis.call('HSET', key, 'v', 2, 'rev', rev, 'scopes', scopes, 'status', status, 'connected_at', connected_at,
        'token_at', token_at, 'expires_at', expires_at, 'refresh_expires_at', refresh_expires_at, 't_stored', now)
    keep('aliases', aliases)
    keep('alias', string.match(aliases, '^%S+') or '')
    keep('settings', settings)
    for i = 1, #profile, 2 do
        keep(profile[i], profile[i + 1])
    end
    if status == 'removed' then
        redis.call('ZREM', P .. 'consent', open_id)
    else
        redis.call('ZADD', P .. 'consent', tonumber(refresh_expires_at) or 0, open_id)
    end
    if status == 'parked' then
        redis.call('ZADD', P .. 'parked', 'NX', now, open_id)
    else
        redis.call('ZREM', P .. 'parked', open_id)
    end
    if status == 'ok' then
        redis.call('HDEL', key, 'parked_why', 't_parked')
    else
        redis.call('HSET', key, 'parked_why', why, 't_parked', now)
        redis.call('ZREM', P .. 'ready', open_id)
    end
    if status == 'removed' then
        redis.call('DEL', P .. 'token:' .. open_id)
        redis.call('HDEL', key, 'creator_username', 'creator_nickname', 'privacy_options', 't_creator')
    else
        redis.call('SET', P .. 'token:' .. open_id, sealed)
    end
    -- what was said of the record before
    redis.call('HDEL', key, 'refused_rev', 't_refused', 'refresh_failures', 'refresh_why', 't_refresh_failed')
    -- of an account that is parked for another reason, too: its consent must not end meanwhile
    if status ~= 'removed' and not CONSENT[why] and (tonumber(expires_at) or 0) > 0 then
        redis.call('ZADD', P .. 'refresh', refresh_at(), open_id)
    else
        redis.call('ZREM', P .. 'refresh', open_id)
    end
    tell_changes(had)
end

if not is_same then
    store()
end
if alias ~= '' then
    redis.call('HSET', P .. 'alias', alias, open_id)
end
local left = 0
for _, text in ipairs({ open_id, alias }) do
    if text ~= '' then
        for _, id in ipairs(redis.call('ZRANGE', P .. 'unknown:' .. text, 0, 999)) do
            if redis.call('ZREM', P .. 'unknown:' .. text, id) == 1 then
                redis.call('DECR', P .. 'unknown')
            end
            local job = load(id)
            if job and job.state == 'QUEUED' and job.account == '' then
                redis.call('HSET', P .. 'job:' .. id, 'account', open_id)
                redis.call('HDEL', P .. 'job:' .. id, 't_account_until')
                redis.call('HINCRBY', key, 'queued', 1)
                redis.call('ZREM', P .. 'delayed', id)
                job.account = open_id
                enqueue(job)
            end
        end
        left = left + redis.call('ZCARD', P .. 'unknown:' .. text)
    end
end
wake(open_id)
return { 'OK', left, is_same and 'KNOWN' or 'STORED' }
