-- ARGV: id, now, per period, per second, at once, how long the lease lasts (ms), how long the caller would wait (ms),
-- how many requests of the period it leaves to others. Books the next request that may be sent. Returns ok and when to
-- send it, or wait, when the next may be sent and the limit that delays it.
local id, now = ARGV[1], tonumber(ARGV[2])
local booked = redis.call('ZSCORE', used, id)
if booked then return {'ok', text(tonumber(booked)), ''} end -- repeated after a lost answer
local last = newest(1)
if last and last > now + period then -- some clock was wrong
  redis.call('ZREMRANGEBYSCORE', used, '(' .. text(now + period), '+inf')
end
local at, limit, full = earliest(now, tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[8]))
if full or at - now > tonumber(ARGV[7]) then return {'wait', text(at), limit} end
redis.call('ZREMRANGEBYSCORE', used, '-inf', text(now - period))
redis.call('ZREMRANGEBYSCORE', leases, '-inf', text(now))
local lasts = at - now + tonumber(ARGV[6])
redis.call('ZADD', used, text(at), id)
redis.call('ZADD', leases, text(now + lasts), id)
redis.call('HSET', said, 'per_hour', ARGV[3])
local left = redis.call('HMGET', said, 'left', 'until')
if left[1] and tonumber(left[2]) > now then
  redis.call('HINCRBY', said, 'left', -1)
elseif left[1] then
  redis.call('HDEL', said, 'left', 'until')
end
keep(used, at - now + period)
keep(leases, lasts)
keep(said, period)
return {'ok', text(at), limit}
