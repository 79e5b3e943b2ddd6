-- oauth_put(state, sealed) conf(connect.state_ms)
-- A consent that is asked for: what its callback needs, sealed, for as long as a state is good.
-- OK
local key = P .. 'oauth:' .. state
redis.call('HSET', key, 'sealed', sealed)
redis.call('PEXPIRE', key, connect_state_ms)
return { 'OK' }
