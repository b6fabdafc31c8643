-- KEYS: the record. ARGV: id, prefix of the indexes, project, database (used if the record no longer exists). Deletes
-- a record with its result and its index entries.
local rec, id = KEYS[1], ARGV[1]
local of = redis.call('HMGET', rec, 'project', 'database', 'kind')
for _, kind in ipairs(of[3] and {of[3]} or {'fetch', 'query'}) do
  local prefix = indexes(ARGV[2], kind)
  for _, index in ipairs({'all', 'expiry', 'kind:fetch', 'kind:edit'}) do redis.call('ZREM', prefix .. index, id) end
  for _, state in ipairs({'waiting', 'queued', 'running', 'paused', 'retrying', 'done', 'failed', 'cancelled'}) do
    redis.call('ZREM', prefix .. 'state:' .. state, id)
  end
  redis.call('ZREM', prefix .. 'project:' .. (of[1] or ARGV[3]), id)
  redis.call('ZREM', prefix .. 'database:' .. (of[2] or ARGV[4]), id)
end
redis.call('DEL', rec, ARGV[2] .. 'result:' .. id, ARGV[2] .. 'attempts:' .. id, ARGV[2] .. 'windows:' .. id)
return 1
