-- KEYS: the record. ARGV: id, prefix of the indexes, project, database (for a record that is gone already).
-- Deletes a record and its index entries.
local rec, id, prefix = KEYS[1], ARGV[1], ARGV[2]
local of = redis.call('HMGET', rec, 'project', 'database')
for _, index in ipairs({'all', 'expiry'}) do redis.call('ZREM', prefix .. index, id) end
for _, state in ipairs({'waiting', 'queued', 'running', 'paused', 'retrying', 'done', 'failed', 'cancelled'}) do
  redis.call('ZREM', prefix .. 'state:' .. state, id)
end
redis.call('ZREM', prefix .. 'project:' .. (of[1] or ARGV[3]), id)
redis.call('ZREM', prefix .. 'database:' .. (of[2] or ARGV[4]), id)
redis.call('DEL', rec)
return 1
