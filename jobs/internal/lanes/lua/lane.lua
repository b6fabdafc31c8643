-- The prelude of all lane scripts. A lane is three keys in one hash slot: the waiting jobs (LIST), the holder (HASH of
-- job, fence, since, worker, boot, again) and the delayed jobs (ZSET by unix ms). The holder's fence stays when the
-- holder leaves, so fences of a lane only ever grow. The key can expire; but fences are at least now. If Redis loses
-- them while the clock was set back, seen keeps the highest fence that a writer has found in the database file. No
-- script reads the clock: now is an argument, in unix ms.
local queue, holder, delayed = KEYS[1], KEYS[2], KEYS[3]
local hour = 60 * 60 * 1000
-- The lane of a job that only reads has no other jobs.
local kept = string.find(holder, '{lane:read:', 1, true) and hour or 90 * 24 * hour

local function holds(job, fence)
  return redis.call('HGET', holder, 'job') == job and redis.call('HGET', holder, 'fence') == fence
end

local function release()
  redis.call('HDEL', holder, 'job', 'since', 'worker', 'boot', 'again')
  redis.call('PEXPIRE', holder, string.format('%.0f', kept))
end

-- advance gives a free lane to its next job: the delayed job that has been due longest, otherwise the head of the
-- queue. It returns status, job and fence; the job is '' if the lane is held or no job waits.
local function advance(status, now)
  if redis.call('HEXISTS', holder, 'job') == 1 then return {status, '', '0'} end
  local job = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 1)[1]
  if job then
    redis.call('ZREM', delayed, job)
  else
    job = redis.call('LPOP', queue)
  end
  if not job then return {status, '', '0'} end
  local known = redis.call('HMGET', holder, 'fence', 'seen')
  local last = math.max(tonumber(known[1] or '0'), tonumber(known[2] or '0'))
  local fence = string.format('%.0f', math.max(last + 1, tonumber(now)))
  redis.call('HSET', holder, 'job', job, 'fence', fence, 'since', now)
  redis.call('PERSIST', holder)
  return {status, job, fence}
end
