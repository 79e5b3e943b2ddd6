-- sweep_check(ids...)
-- Which of these jobs is Redis done with? OK, then for each 1, or 0 while it is there: the id may be in use again. What
-- only a gate's commands left of one (no state) is no job. Nothing is written.
local reply = { 'OK' }
for i, id in ipairs(ids) do
    reply[i + 1] = redis.call('HGET', P .. 'job:' .. id, 'state') and 0 or 1
end
return reply
