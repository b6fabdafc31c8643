-- KEYS: the schedule, the set of all names. ARGV: name, origin ('cli' or 'file:…'), definition, timing, version, now.
-- Returns added, changed, same or taken, and the origins that it had.
local origin = ARGV[2]
local had = redis.call('HMGET', KEYS[1], 'definition', 'timing', 'origins')
if not had[1] then
  redis.call('HSET', KEYS[1], 'definition', ARGV[3], 'timing', ARGV[4], 'origins', ',' .. origin .. ',', 'version', ARGV[5],
    'created', ARGV[6], 'since', ARGV[6])
  redis.call('SADD', KEYS[2], ARGV[1])
  return {'added', ''}
end
local same = had[1] == ARGV[3]
if origin == 'cli' or had[3] == ',cli,' then
  return {same and origin == 'cli' and had[3] == ',cli,' and 'same' or 'taken', had[3]}
end
if not string.find(had[3], ',' .. origin .. ',', 1, true) then
  redis.call('HSET', KEYS[1], 'origins', had[3] .. origin .. ',')
end
if same then return {'same', had[3]} end
redis.call('HSET', KEYS[1], 'definition', ARGV[3], 'timing', ARGV[4], 'version', ARGV[5], 'follow', '')
if had[2] ~= ARGV[4] then redis.call('HSET', KEYS[1], 'since', ARGV[6]) end
return {'changed', had[3]}
