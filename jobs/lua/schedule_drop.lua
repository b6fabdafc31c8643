-- KEYS: the schedule, its history, the set of all names. ARGV: name, origin that no longer has it ('' for all).
-- Returns removed, kept (others have it) or none.
local origins = redis.call('HGET', KEYS[1], 'origins')
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
return 'removed'
