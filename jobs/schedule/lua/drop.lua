-- KEYS: the schedule, its history, the set of all names, the removed schedules, the generation. ARGV: name, origin
-- that no longer has it ('' for all), now. Returns removed, kept (other origins have it) or none.
local had = redis.call('HMGET', KEYS[1], 'origins', 'changed', 'created')
local origins = had[1]
if not origins then return 'none' end
if ARGV[2] ~= '' then
  local first, last = string.find(origins, ',' .. ARGV[2] .. ',', 1, true)
  if not first then return 'kept' end
  origins = string.sub(origins, 1, first) .. string.sub(origins, last + 1)
  if origins ~= ',' then
    redis.call('HSET', KEYS[1], 'origins', origins)
    return 'kept'
  end
end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('HSET', KEYS[4], ARGV[1], after(ARGV[3], moment(had[2] or had[3])) .. (ARGV[2] ~= '' and ' file' or ''))
redis.call('HINCRBY', KEYS[5], 'revision', 1)
return 'removed'
