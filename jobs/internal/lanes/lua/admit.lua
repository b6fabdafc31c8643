-- KEYS: the streams with chunks in Redis, by when these expire. ARGV: stream, now, when its chunks expire, the maximum
-- number of streams. Returns 1 if the stream is one of them, 0 if there are too many. It can be repeated.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], tostring(math.max(1, tonumber(ARGV[3]) - tonumber(ARGV[2]))))
return 1
