-- KEYS: the schedule. ARGV: version, now. Ticks count from now on if they did from a later time: the clock was set back.
local is = redis.call('HMGET', KEYS[1], 'version', 'since')
if is[1] ~= ARGV[1] or tonumber(is[2]) <= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'since', ARGV[2])
return 1
