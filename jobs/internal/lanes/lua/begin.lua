-- ARGV: job, fence, worker, boot, now. Marks the holder as begun. Returns 1, or 0 if the turn is over or another
-- process has begun it. The process that has begun it may repeat the call.
if not holds(ARGV[1], ARGV[2]) then return 0 end
local begun = redis.call('HMGET', holder, 'worker', 'boot')
if begun[1] and (begun[1] ~= ARGV[3] or begun[2] ~= ARGV[4]) then return 0 end
redis.call('HSET', holder, 'worker', ARGV[3], 'boot', ARGV[4], 'since', ARGV[5])
return 1
