-- KEYS: a worker's heartbeat. ARGV: how long it lasts (ms), then fields and values.
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
