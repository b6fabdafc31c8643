-- KEYS: what is known of tables, by database. ARGV: database, fence of the turn that reports, what it knows. Does nothing
-- if a later turn has reported.
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old and cjson.decode(old).fence > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
