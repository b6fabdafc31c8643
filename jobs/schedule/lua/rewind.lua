-- KEYS: the schedule. ARGV: version, now. Moves the creation time, and the time from which ticks count, back to now if
-- they are later: the clock was set back.
local is = redis.call('HMGET', KEYS[1], 'version', 'since', 'created')
if is[1] ~= ARGV[1] then return 0 end
if tonumber(is[2]) > tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'since', ARGV[2]) end
if tonumber(is[3]) > tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'created', ARGV[2]) end
return 1
