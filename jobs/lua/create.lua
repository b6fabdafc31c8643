-- KEYS: the record. ARGV: id, prefix of the indexes, created (unix ms), kind, project, database, then fields and values.
-- Writes a new record in state waiting and indexes it. Returns 0 if it is there already: the
-- answer was lost, and the question asked again.
local id, prefix, created = ARGV[1], indexes(ARGV[2], ARGV[4]), ARGV[3]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 7))
redis.call('ZADD', prefix .. 'all', created, id)
redis.call('ZADD', prefix .. 'state:waiting', created, id)
if ARGV[5] ~= '' then redis.call('ZADD', prefix .. 'project:' .. ARGV[5], created, id) end
redis.call('ZADD', prefix .. 'database:' .. ARGV[6], created, id)
return 1
