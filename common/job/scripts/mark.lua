-- mark(partition)
-- Where ingest of a partition goes on: OK, "offset timestamp crc" or '' for a new one.
return { 'OK', redis.call('HGET', P .. 'watermark', partition) or '' }
