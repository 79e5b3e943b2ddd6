-- sweep_check(ids...)
-- Which of these jobs is Redis done with? OK, then for each 1, or 0 while it holds anything of the job: the id may be in
-- use again. Nothing is written.
local reply = { 'OK' }
for i, id in ipairs(ids) do
    reply[i + 1] = redis.call('EXISTS', P .. 'job:' .. id) == 0 and 1 or 0
end
return reply
