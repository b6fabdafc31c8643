-- KEYS: the schedule, the generation, the agenda. ARGV: '1' to pause, '' to resume, version, now, name. Ticks during the pause do not
-- count. Returns changed, same or none.
local had = redis.call('HMGET', KEYS[1], 'definition', 'paused', 'changed', 'created')
if not had[1] then return 'none' end
if (had[2] or '') == ARGV[1] then return 'same' end
redis.call('HSET', KEYS[1], 'paused', ARGV[1], 'version', ARGV[2], 'changed', after(ARGV[3], moment(had[3] or had[4])))
if ARGV[1] == '' then redis.call('HSET', KEYS[1], 'since', ARGV[3]) end
redis.call('HINCRBY', KEYS[2], 'revision', 1)
attend(KEYS[3], ARGV[4])
return 'changed'
