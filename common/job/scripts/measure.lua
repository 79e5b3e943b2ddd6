-- measure(states...) conf(limit.in_flight, limit.open, heartbeat.ms, refresh.soon_ms) flags(no-writes, allow-oom) gate(unchecked)
-- The fleet in figures, for /metrics: lengths of keys and places in sorted sets, so that it costs the same whatever the
-- backlog. states: all of them. OK { name, figure, ... }
local PROGRAMS = 1000
local figures = {}

local function say(name, figure)
    figures[#figures + 1] = name
    figures[#figures + 1] = string.format('%.0f', figure)
end

local function number(text)
    return tonumber(text or '') or 0
end

local function size(name)
    local count = redis.call('ZCARD', P .. name)
    say(name, count)
    return count
end

-- members whose moment has come
local function due(name, at)
    local count = redis.call('ZCOUNT', P .. name, '-inf', at)
    say(name .. '_due', count)
    return count
end

local is_open = gate[1] == 'open' and gate[2] == identity
local progress = redis.call('HMGET', KEYS[1], 'done', 'of')
say('gate_open', is_open and 1 or 0)
say('generation', number(gate[3]))
if not is_open then
    say('gate_done', number(progress[1]))
    say('gate_of', number(progress[2]))
end

local breaker = redis.call('HMGET', P .. 'breaker', 'users_until', 'paused')
say('paused', breaker[2] and 1 or 0)
say('users_capped', number(breaker[1]) > now and 1 or 0)

local room = math.min(limit_in_flight - size('slots'), limit_open - size('open'))
-- the scores of `ready` have fractions of the millisecond that now is cut to
local ready = due('ready', now + 1)
say('eligible', is_open and not breaker[2] and math.max(0, math.min(room, ready)) or 0)
size('leases')
due('leases', now)
size('delayed')
due('delayed', now)
size('polls')
due('polls', now)
size('unsure')
say('unknown', math.max(0, number(redis.call('GET', P .. 'unknown'))))

local parked = size('parked')
say('accounts_ok', math.max(0, size('consent') - parked))
say('consent_soon', redis.call('ZCOUNT', P .. 'consent', 1, now + refresh_soon_ms))
due('refresh', now)

for i, count in ipairs(redis.call('HMGET', P .. 'count', unpack(states))) do
    say(states[i], number(count))
end

say('outbox', redis.call('XLEN', P .. 'outbox'))
local first = redis.call('XRANGE', P .. 'outbox', '-', '+', 'COUNT', 1)[1]
say('outbox_ms', first and math.max(0, now - number(string.match(first[1], '^%d+'))) or 0)

local alive = { worker = 0, poller = 0 }
for _, id in ipairs(redis.call('ZRANGE', P .. 'programs', now - 5 * heartbeat_ms, '+inf', 'BYSCORE', 'LIMIT', 0,
    PROGRAMS)) do
    local kind = string.match(id, '^%a+')
    alive[kind] = (alive[kind] or 0) + 1
end
say('workers', alive.worker)
say('pollers', alive.poller)

local memory = redis.call('INFO', 'memory')
say('memory', number(string.match(memory, '\nused_memory:(%d+)')))
say('memory_max', number(string.match(memory, '\nmaxmemory:(%d+)')))
return { 'OK', figures }
