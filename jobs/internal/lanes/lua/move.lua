-- KEYS: the record. ARGV: id, prefix of the indexes, states to move from (',a,b,'), lowest and highest fence of the
-- record, state to move to, what to add to attempt and to crashes, when the record expires (unix ms, '0' for never),
-- now, the maximum retention for jobs that only read (ms), how the attempt ended if one does, then fields and values; '' deletes a field.
-- Changes state, indexes and the log of attempts together. Returns 1 if it moved, then the record as it is now.
local rec, id, to, ends = KEYS[1], ARGV[1], ARGV[6], ARGV[9]
local attempts, windows = ARGV[2] .. 'attempts:' .. id, ARGV[2] .. 'windows:' .. id
local month = 30 * 24 * 60 * 60 * 1000
local final = {done = true, failed = true, cancelled = true}
local state = redis.call('HGET', rec, 'state')
if not state then return {0, {}} end
local fence = tonumber(redis.call('HGET', rec, 'fence') or '0')
local kind = redis.call('HGET', rec, 'kind')
local prefix = indexes(ARGV[2], kind)
if kind == 'query' and ends ~= '0' then
  ends = string.format('%.0f', math.min(tonumber(ends), tonumber(ARGV[10]) + tonumber(ARGV[11])))
end
if not string.find(ARGV[3], ',' .. state .. ',', 1, true) or fence < tonumber(ARGV[4]) or fence > tonumber(ARGV[5]) then
  return {0, redis.call('HGETALL', rec)}
end
if state ~= to then
  redis.call('ZREM', prefix .. 'state:' .. state, id)
  redis.call('ZADD', prefix .. 'state:' .. to, redis.call('HGET', rec, 'created'), id)
  redis.call('HSET', rec, 'state', to)
  if state == 'running' then
    local was = redis.call('HMGET', rec, 'attempt', 'attempt_at', 'worker')
    redis.call('RPUSH', attempts, cjson.encode({
      number = was[1] or '', started = was[2] or '', ended = ARGV[10], worker = was[3] or '', how = ARGV[12]}))
    redis.call('LTRIM', attempts, -20, -1)
  end
  if to == 'running' then
    redis.call('DEL', windows)
    local progress = cjson.decode(redis.call('HGET', rec, 'progress') or '{}')
    redis.call('HSET', rec, 'attempt_at', ARGV[10], 'windows_before', progress.windows_done or 0)
    if (redis.call('HGET', rec, 'started') or '') == '' then redis.call('HSET', rec, 'started', ARGV[10]) end
  end
end
if ARGV[7] ~= '0' then redis.call('HINCRBY', rec, 'attempt', ARGV[7]) end
if ARGV[8] ~= '0' then redis.call('HINCRBY', rec, 'crashes', ARGV[8]) end
for i = 13, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', rec, ARGV[i]) else redis.call('HSET', rec, ARGV[i], ARGV[i + 1]) end
end
if final[to] then -- a schedule can make a piece
  local schedule = redis.call('HGET', rec, 'schedule') or ''
  if redis.call('SISMEMBER', ARGV[2] .. 'schedules', schedule) == 1 then attend(ARGV[2] .. 'agenda', schedule) end
end
if ends ~= '0' then
  redis.call('ZADD', prefix .. 'expiry', ends, id)
  -- The sweep deletes records with their indexes. If no sweep runs, records expire a month later.
  for _, key in ipairs({rec, attempts, windows}) do
    redis.call('PEXPIREAT', key, string.format('%.0f', tonumber(ends) + month))
  end
elseif final[state] then
  redis.call('ZREM', prefix .. 'expiry', id)
  for _, key in ipairs({rec, attempts, windows}) do redis.call('PERSIST', key) end
end
return {1, redis.call('HGETALL', rec)}
