-- Whether this server and its user will do: asked on every connection before anything is written, since a script that
-- stops half way at a command that its user may not use is not undone. OK, or for people what is missing. It has no
-- signature and no shebang: a Redis that is too old for those can answer it, too. COMMANDS comes from the build.
local prefix = string.sub(KEYS[1], 1, -5)
if not redis.acl_check_cmd then
    return redis.status_reply('it is older than Redis 7.0, which the scripts need')
end
-- Always with arguments that name the keys: without them Redis 7.0.15 crashes. Newer ones refuse a number of arguments that the
-- command does not take: the first number that is answered at all decides.
local key = prefix .. 'job:any'
local ARGUMENTS = { INFO = { 'replication' }, TIME = {}, SCAN = { '0' }, ZINTER = { '1', key }, EVALSHA = { 'any', '1', key } }
local KEYS_TRIED = { { key, key, key, key }, { key, key, key }, { key, key }, { key } }
local function allowed(command)
    for _, arguments in ipairs(ARGUMENTS[command] and { ARGUMENTS[command] } or KEYS_TRIED) do
        local answered, yes = pcall(redis.acl_check_cmd, command, unpack(arguments))
        if answered then
            return yes
        end
    end
    return false
end
local missing = {}
for command in string.gmatch(COMMANDS, '%S+') do
    if not allowed(command) then
        missing[#missing + 1] = '+' .. string.lower(command)
    end
end
if #missing > 0 then
    return redis.status_reply('its ACL does not allow ' .. table.concat(missing, ' ') .. ' on ~' .. prefix
        .. '* (or the server hides them): the whole line is in deploy/README.md')
end
local told = redis.pcall('INFO', 'replication')
if type(told) ~= 'string' or not string.match(told, 'master_replid:%x+') then
    return redis.status_reply('its INFO replication shows no master_replid, by which a failover is noticed')
end
return redis.status_reply('OK')
