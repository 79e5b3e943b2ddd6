-- relay(last, ids...) flags(allow-oom)
-- These entries of the outbox are on Kafka: take them out. Nothing else trims it.
redis.call('XDEL', P .. 'outbox', unpack(ids))
return { 'OK' }
