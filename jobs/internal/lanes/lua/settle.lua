-- ARGV: job, fence, where the job goes (out, front, renew, delay), now, run-at. Ends a turn and starts the next one.
-- renew means front, but only if no worker has begun the turn. Returns stale if the turn was already over (or, for
-- renew, begun), otherwise ok and the job that has the turn, if any.
local job, to, now = ARGV[1], ARGV[3], ARGV[4]
if not holds(job, ARGV[2]) or to == 'renew' and redis.call('HEXISTS', holder, 'worker') == 1 then
  return {'stale', '', '0'}
end
local again = redis.call('HEXISTS', holder, 'again') == 1
release()
if to == 'front' or to == 'renew' then
  redis.call('LPUSH', queue, job)
elseif to == 'delay' then
  redis.call('ZADD', delayed, ARGV[5], job)
elseif again then
  redis.call('RPUSH', queue, job)
end
return advance('ok', now)
