-- gate_close(by) flags(allow-oom) gate(checked)
-- A person wants Redis told anew what happened: the gate closes, and a poller takes it, who reads the journal from the
-- beginning. OK generation
redis.call('HSET', KEYS[1], 'state', 'closed', 'closed_by', by, 't_closed', now)
redis.call('HDEL', KEYS[1], 'ends', 'ends_next', 'anchor')
return { 'OK', gate[3] }
