-- The prelude of record scripts. Jobs that only read have separate indexes: there can be many, and listings rarely
-- want them.
local function indexes(prefix, kind)
  return kind == 'query' and prefix .. 'read:' or prefix
end

-- attend makes the workers look at a schedule now. Each call leaves another score, so a worker that is just looking
-- notices it.
local function attend(agenda, name)
  local was = tonumber(redis.call('ZSCORE', agenda, name) or '0')
  redis.call('ZADD', agenda, string.format('%.0f', math.min(was, 0) - 1), name)
end

-- create writes a new record in state waiting and indexes it. The arguments are its id, prefix of the indexes, created
-- (unix ms), kind, project, database, then fields and values. Returns 0 if the record exists already: the call was
-- repeated after a lost answer.
local function create(rec, args)
  local id, prefix, created = args[1], indexes(args[2], args[4]), args[3]
  if redis.call('EXISTS', rec) == 1 then return 0 end
  redis.call('HSET', rec, unpack(args, 7))
  redis.call('ZADD', prefix .. 'all', created, id)
  redis.call('ZADD', prefix .. 'state:waiting', created, id)
  if args[5] ~= '' then redis.call('ZADD', prefix .. 'project:' .. args[5], created, id) end
  redis.call('ZADD', prefix .. 'database:' .. args[6], created, id)
  if args[4] ~= 'query' then redis.call('ZADD', prefix .. 'kind:' .. args[4], created, id) end
  return 1
end

