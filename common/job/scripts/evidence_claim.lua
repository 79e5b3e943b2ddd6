-- evidence_claim(count:int, timeout_ms:int, pages:int) conf(unsure.look_ms, unsure.looks, limit.video_list, limit.window_ms, poll.horizon_ms) flags(allow-oom)
-- UNSURE jobs whose account's newest videos are to be listed now: public direct videos of an account with video.list,
-- the account's only UNSURE one. Each is out of sight for timeout_ms and opens `pages` members in the fleet's window (of
-- whom TikTok's 600 a minute are is not said). For every other one the reason is noted, once, for people.
-- OK, then for each: job_id epoch account t_sending looks message sealed_token member known rev · WAIT ms
local MANY = 20000
local FACTS = { 'account', 'attempt_epoch', 'publish_id', 'kind', 'media', 'privacy', 'hash', 't_sending',
    'evidence_epoch', 'evidence_next', 'evidence_looks' }

local function cannot(doubt)
    local scopes = redis.call('HGET', P .. 'account:' .. doubt.account, 'scopes') or ''
    if doubt.publish_id ~= '' then
        return 'TikTok gave it a publish id, so its status was asked for instead of a listing.'
    elseif doubt.kind ~= 'direct' then
        return 'It is a draft for the inbox of the account: no listing shows those.'
    elseif doubt.media ~= 'video' then
        return 'It is a photo post: a listing is no evidence for those.'
    elseif doubt.privacy == 'SELF_ONLY' then
        return 'It is private (SELF_ONLY): TikTok lists public videos only.'
    elseif doubt.t_sending == '' then
        return 'When it was sent is not known, so no listed video can be told to be this one.'
    elseif not string.find(',' .. scopes .. ',', ',video.list,', 1, true) then
        return 'The account did not grant video.list, so its videos cannot be listed.'
    elseif unsure_looks == 0 then
        return 'Listing is switched off (TOKFLEET_UNSURE_LOOKS is 0).'
    end
    return nil
end

local function note(doubt, looks, said, over)
    over = over or looks >= unsure_looks
    doubt.next = over and 0 or now + unsure_look_ms * 2 ^ looks
    redis.call('HSET', P .. 'job:' .. doubt.id, 'evidence_epoch', doubt.attempt_epoch, 'evidence_looks', looks,
        'evidence_at', now, 'evidence_next', doubt.next, 'evidence_said', said)
end

local doubts, of_account = {}, {}
local found = redis.call('ZRANGE', P .. 'unsure', 0, MANY, 'WITHSCORES')
for i = 1, #found, 2 do
    local values = redis.call('HMGET', P .. 'job:' .. found[i], unpack(FACTS))
    if values[1] then
        local doubt = { id = found[i], since = tonumber(found[i + 1]) }
        for n, name in ipairs(FACTS) do
            doubt[name] = values[n] or ''
        end
        doubts[#doubts + 1] = doubt
        of_account[doubt.account] = (of_account[doubt.account] or 0) + 1
    end
end
local sees_all = #found <= MANY * 2

local reply, first = { 'OK' }, math.huge
local function open(doubt, looks, known)
    local member = doubt.attempt_epoch .. '@' .. string.format('%.0f', now)
    local window = P .. 'window:*:video_list'
    for page = 1, pages do
        redis.call('ZADD', window, now + timeout_ms, member .. '#' .. string.format('%d', page))
    end
    lengthen(window, timeout_ms + limit_window_ms * 2)
    redis.call('HSET', P .. 'job:' .. doubt.id, 'evidence_epoch', doubt.attempt_epoch, 'evidence_looks', looks,
        'evidence_next', now + timeout_ms)
    local texts = redis.call('MGET', P .. 'message:' .. doubt.id, P .. 'token:' .. doubt.account)
    for _, value in ipairs({ doubt.id, doubt.attempt_epoch, doubt.account, doubt.t_sending, string.format('%d', looks),
        texts[1] or '', texts[2] or '', member, known,
        redis.call('HGET', P .. 'account:' .. doubt.account, 'rev') or '' }) do
        reply[#reply + 1] = value
    end
    doubt.next = now + timeout_ms
end

local function look(doubt, looks)
    local count_of = of_account[doubt.account]
    if now - doubt.since > poll_horizon_ms then
        note(doubt, looks, 'TikTok did not answer a listing for as long as was asked.', true)
    elseif count_of > 1 or not sees_all then
        note(doubt, looks + 1, 'The account has other UNSURE jobs: a listed video could be the post of any of them.')
    else
        local known, whose = others(doubt.account, doubt.id)
        if whose ~= '' then
            note(doubt, looks + 1, 'The public id of job ' .. whose .. ' of this account is not known: a listed video'
                .. ' could be that one.')
        else
            doubt.next = window_free_at('*', 'video_list', limit_video_list - pages + 1, limit_window_ms)
            if doubt.next <= now then
                open(doubt, looks, known)
            end
        end
    end
end

for _, doubt in ipairs(doubts) do
    local is_new = doubt.evidence_epoch ~= doubt.attempt_epoch
    doubt.next = is_new and doubt.since + unsure_look_ms or tonumber(doubt.evidence_next) or 0
    local why = is_new and doubt.hash ~= '' and cannot(doubt)
    if why then
        note(doubt, 0, why, true)
    elseif doubt.hash == '' then
        -- made of the journal: what was to be posted is known when ingest has read its message again
        doubt.next = now + unsure_look_ms
    elseif doubt.next > 0 and doubt.next <= now and #reply < count * 10 then
        look(doubt, is_new and 0 or tonumber(doubt.evidence_looks) or 0)
    end
    if doubt.next > 0 then
        first = math.min(first, doubt.next)
    end
end
if #reply > 1 then
    return reply
end
return { 'WAIT', first == math.huge and -1 or math.max(0, math.floor(first - now)) }
