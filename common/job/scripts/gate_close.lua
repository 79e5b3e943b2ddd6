-- gate_close(by) flags(allow-oom) gate(checked)
-- A person wants Redis told anew what happened: the gate closes, and a poller takes it. OK generation
redis.call('HSET', KEYS[1], 'state', 'closed', 'closed_by', by, 't_closed', now)
return { 'OK', gate[3] }
