-- ARGV: job, fence, where the job goes (out, front, delay), now, run-at. Ends a turn and starts the next one.
-- Returns stale if the turn was over already, else ok and the job whose turn it is, if any.
local job, now = ARGV[1], ARGV[4]
if not holds(job, ARGV[2]) then return {'stale', '', '0'} end
local again = redis.call('HEXISTS', holder, 'again') == 1
release()
if ARGV[3] == 'front' then
  redis.call('LPUSH', queue, job)
elseif ARGV[3] == 'delay' then
  redis.call('ZADD', delayed, ARGV[5], job)
elseif again then
  redis.call('RPUSH', queue, job)
end
return advance('ok', now)
