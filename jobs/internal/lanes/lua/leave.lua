-- ARGV: job, now. Removes a job from its lane, unless a worker has begun it. Returns ok and the job that has the turn
-- as a result.
local job, now = ARGV[1], ARGV[2]
redis.call('LREM', queue, 0, job)
redis.call('ZREM', delayed, job)
if redis.call('HGET', holder, 'job') == job and redis.call('HEXISTS', holder, 'worker') == 0 then release() end
return advance('ok', now)
