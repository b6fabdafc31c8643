-- ARGV: job, now, refuse ('1' if a lane in use is refused), then perhaps the holder and the last in line that the caller
-- has seen, '' for none. Puts a job that the lane does not know at its end. Returns known, busy (with the holder), moved
-- (somebody has come, or gone, since the caller looked), or ok (with the job whose turn it became, if any).
local job, now = ARGV[1], ARGV[2]
local held = redis.call('HGET', holder, 'job')
if held == job then
  -- Its last run is being settled: it gets another turn after that.
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
