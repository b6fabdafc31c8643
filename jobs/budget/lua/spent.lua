-- ARGV: now, per period, per second, at once. Returns the state of a budget: requests of the last period, the limit
-- per period, requests in progress, when the next may be sent, when the oldest of the period stops counting ('0' if
-- there are none), until when the server wants no request ('0' if it did not say so), and how many it allows until
-- then ('' if it did not say so).
local now = tonumber(ARGV[1])
local perHour = tonumber(redis.call('HGET', said, 'per_hour') or ARGV[2])
local at = earliest(now, perHour, tonumber(ARGV[3]), tonumber(ARGV[4]), 0)
local since = '(' .. text(math.max(now, newest(1) or now) - period) -- includes requests that are booked but not sent yet
local oldest = tonumber(redis.call('ZRANGEBYSCORE', used, since, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] or '')
local server = redis.call('HMGET', said, 'blocked', 'left', 'until')
return {
  text(redis.call('ZCOUNT', used, since, '+inf')), text(perHour),
  text(redis.call('ZCOUNT', leases, '(' .. text(now), '+inf')), text(at),
  text(oldest and oldest + period or 0), server[1] or '0', server[2] or '', server[3] or '0',
}
