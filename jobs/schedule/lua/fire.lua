-- KEYS: the schedule, its history, the record, the set of jobs on their way to their lanes. ARGV: version, tick ('0'
-- if requested by a person), outcome if already decided ('' otherwise), overlap, now, how many ticks the history keeps
-- (and as many later than now, from a clock that was ahead), then the arguments of create. Writes the job of a tick
-- and the history entry, both or neither. Returns job, skipped, or the given outcome; known if the tick has been
-- handled; stale if the schedule has changed since the caller read it.
local version, tick, outcome, keep = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[6])
local made = {unpack(ARGV, 7)}
local id, prefix = made[1], made[2]
local is = redis.call('HMGET', KEYS[1], 'version', 'job', 'paused')
if redis.call('EXISTS', KEYS[3]) == 1 then return 'job' end -- the answer was lost
if is[1] ~= version then return 'stale' end
if tick ~= '0' then
  if is[3] == '1' then return 'stale' end
  if redis.call('ZCOUNT', KEYS[2], tick, tick) > 0 then return 'known' end
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
  if redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[5]) >= keep and tonumber(tick) < tonumber(oldest) then return 'known' end
  if outcome == '' and live(prefix, is[2]) and (ARGV[4] == 'skip' or not started(prefix, is[2])) then outcome = 'skipped' end
end
if outcome == '' then
  outcome = 'job'
  create(KEYS[3], made)
  redis.call('HSET', KEYS[1], 'job', id, 'follow', id)
  redis.call('SADD', KEYS[4], id)
end
if tick ~= '0' then
  redis.call('ZADD', KEYS[2], tick, table.concat({tick, outcome, outcome == 'job' and id or '-', ARGV[5]}, ' '))
  local over = math.max(0, redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[5]) - keep)
  local future = redis.call('ZCOUNT', KEYS[2], '(' .. ARGV[5], '+inf')
  if over > 0 then redis.call('ZREMRANGEBYRANK', KEYS[2], 0, text(over - 1)) end
  if future > keep then redis.call('ZREMRANGEBYRANK', KEYS[2], text(keep - future), '-1') end
end
return outcome
