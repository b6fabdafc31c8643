-- KEYS: the schedule, its history, the set of all names, the removed schedules, the agenda. ARGV: name, when the copy of the
-- schedule was changed, its last tick and the history entry of that tick ('' for none), version, then fields and
-- values of the copy. Writes the copy unless Redis has something newer. Returns restored, or newer.
local name, changed = ARGV[1], tonumber(ARGV[2])
if moment(redis.call('HGET', KEYS[4], name)) >= changed then return 'newer' end
local is = redis.call('HMGET', KEYS[1], 'definition', 'changed', 'created')
if is[1] and moment(is[2] or is[3]) >= changed then
  redis.call('SADD', KEYS[3], name)
  return 'newer'
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
redis.call('HSET', KEYS[1], 'version', ARGV[5])
redis.call('SADD', KEYS[3], name)
redis.call('HDEL', KEYS[4], name)
attend(KEYS[5], name)
if ARGV[3] ~= '' then redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4]) end
return 'restored'
