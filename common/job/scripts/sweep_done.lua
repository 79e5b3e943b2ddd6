-- sweep_done(jobs:int, records:int) flags(allow-oom)
-- What the last sweep deleted, for people. OK
redis.call('HSET', KEYS[1], 'swept_jobs', jobs, 'swept_records', records)
return { 'OK' }
