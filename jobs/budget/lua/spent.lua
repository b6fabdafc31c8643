-- ARGV: now, per period, per second, at once. Returns how a budget stands: requests of the last period, what it is held to an
-- period, requests under way, when the next may go, when the oldest of the period falls out of it ('0' if there are none),
-- until when the server wants none ('0' if it does not say so), and how many it allows until then ('' likewise).
local now = tonumber(ARGV[1])
local perHour = tonumber(redis.call('HGET', said, 'per_hour') or ARGV[2])
local at = earliest(now, perHour, tonumber(ARGV[3]), tonumber(ARGV[4]), 0)
local since = '(' .. text(math.max(now, newest(1) or now) - period) -- requests that are booked and have not gone count
local oldest = tonumber(redis.call('ZRANGEBYSCORE', used, since, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] or '')
local server = redis.call('HMGET', said, 'blocked', 'left', 'until')
return {
  text(redis.call('ZCOUNT', used, since, '+inf')), text(perHour),
  text(redis.call('ZCOUNT', leases, '(' .. text(now), '+inf')), text(at),
  text(oldest and oldest + period or 0), server[1] or '0', server[2] or '', server[3] or '0',
}
