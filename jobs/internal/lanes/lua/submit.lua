-- ARGV: job, now, refuse ('1' to refuse a lane in use), then optionally the holder and the last waiting job that the
-- caller has seen, '' for none. Adds a job to the end of its lane, unless it is in the lane already. Returns known,
-- busy (with the holder), moved (the lane has changed since the caller looked), or ok (with the job that has the turn
-- as a result, if any).
local job, now = ARGV[1], ARGV[2]
local held = redis.call('HGET', holder, 'job')
if held == job then
  -- Its last run is being settled: after that it gets another turn.
  if redis.call('HEXISTS', holder, 'worker') == 1 then redis.call('HSET', holder, 'again', '1') end
  return {'known', '', '0'}
end
if redis.call('ZSCORE', delayed, job) or redis.call('LPOS', queue, job) then return {'known', '', '0'} end
if held and ARGV[3] == '1' then return {'busy', held, '0'} end
if ARGV[4] and ((held or '') ~= ARGV[4] or (redis.call('LINDEX', queue, -1) or '') ~= ARGV[5]) then
  return {'moved', '', '0'}
end
redis.call('RPUSH', queue, job)
return advance('ok', now)
