-- KEYS: table states by database. ARGV: database, fence of the reporting turn, its report. Does nothing if a later
-- turn has reported.
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old and cjson.decode(old).fence > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
