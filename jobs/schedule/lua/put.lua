-- KEYS: the schedule, the set of all names, the removed schedules, the generation, the agenda. ARGV: name, origin
-- ('cli' or 'file:…'), definition, timing, version, now, 'again' if the worker has published it before. With 'again' it restores what is missing, but neither schedules that a person has removed nor, where files differ, its own definition.
-- Returns added, changed, same, taken or removed.
local origin, again = ARGV[2], ARGV[7] == 'again'
local had = redis.call('HMGET', KEYS[1], 'definition', 'timing', 'origins', 'changed', 'created')
if not had[1] then
  local gone = redis.call('HGET', KEYS[3], ARGV[1])
  if again and gone and not string.find(gone, 'file', 1, true) then return 'removed' end
  redis.call('HSET', KEYS[1], 'definition', ARGV[3], 'timing', ARGV[4], 'origins', ',' .. origin .. ',', 'version', ARGV[5],
    'created', ARGV[6], 'since', ARGV[6], 'changed', after(ARGV[6], moment(gone)))
  redis.call('SADD', KEYS[2], ARGV[1])
  attend(KEYS[5], ARGV[1])
  redis.call('HDEL', KEYS[3], ARGV[1])
  redis.call('HINCRBY', KEYS[4], 'revision', 1)
  return 'added'
end
redis.call('SADD', KEYS[2], ARGV[1])
local same = had[1] == ARGV[3]
if origin == 'cli' or had[3] == ',cli,' then
  return same and origin == 'cli' and had[3] == ',cli,' and 'same' or 'taken'
end
if not string.find(had[3], ',' .. origin .. ',', 1, true) then
  redis.call('HSET', KEYS[1], 'origins', had[3] .. origin .. ',')
end
if same or again then return 'same' end
redis.call('HSET', KEYS[1], 'definition', ARGV[3], 'timing', ARGV[4], 'version', ARGV[5], 'follow', '',
  'changed', after(ARGV[6], moment(had[4] or had[5])))
if had[2] ~= ARGV[4] then redis.call('HSET', KEYS[1], 'since', ARGV[6]) end
attend(KEYS[5], ARGV[1])
redis.call('HINCRBY', KEYS[4], 'revision', 1)
return 'changed'
