-- KEYS: the schedule. ARGV: '1' to pause, '' to resume, version, now. Ticks of the pause do not count. Returns changed, same
-- or none.
if redis.call('EXISTS', KEYS[1]) == 0 then return 'none' end
if (redis.call('HGET', KEYS[1], 'paused') or '') == ARGV[1] then return 'same' end
redis.call('HSET', KEYS[1], 'paused', ARGV[1], 'version', ARGV[2])
if ARGV[1] == '' then redis.call('HSET', KEYS[1], 'since', ARGV[3]) end
return 'changed'
