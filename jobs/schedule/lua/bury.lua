-- KEYS: the schedule, its history, the set of all names, the removed schedules. ARGV: name, when it was removed, and
-- how. Removes a schedule that an older copy of the data has restored. Returns removed, or newer.
local at = moment(ARGV[2])
if moment(redis.call('HGET', KEYS[4], ARGV[1])) >= at then return 'newer' end
local is = redis.call('HMGET', KEYS[1], 'changed', 'created')
if moment(is[1] or is[2]) > at then return 'newer' end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('HSET', KEYS[4], ARGV[1], ARGV[2])
return 'removed'
