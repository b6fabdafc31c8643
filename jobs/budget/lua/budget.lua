-- The prelude of all budget scripts. A budget is three keys in one hash slot: the requests of the last period (ZSET by
-- when they were sent), the leases of those in progress (ZSET by when they expire), and a HASH of: until when the
-- server wants no request (blocked), how many more it allows (left) until when (until), and the limit per period of
-- the latest caller (per_hour). The last argument of each script is the length of a period, usually an hour. Times are
-- unix ms. No script reads the clock.
local used, leases, said = KEYS[1], KEYS[2], KEYS[3]
local period = tonumber(ARGV[#ARGV])
-- Two requests sent a second apart may reach the server slightly closer together.
local second = 1200
-- Nobody knows when a request in progress will end. This is when to ask again.
local recheck = 5 * 1000

local function text(n) return string.format('%.0f', n) end

-- keep makes a key last at least this long.
local function keep(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, text(ms)) end
end

-- newest returns when the nth newest request was sent, or nil if there are fewer.
local function newest(n)
  return tonumber(redis.call('ZREVRANGE', used, n - 1, n - 1, 'WITHSCORES')[2] or '')
end

-- earliest returns when the next request may be sent (not before now), the limit that delays it ('' if none does), and
-- whether so many are in progress that none can be promised. It leaves the reserve of the period, and of what the
-- server allows.
local function earliest(now, perHour, perSecond, atOnce, reserve)
  local at, limit = now, ''
  local function notBefore(t, why)
    if t and t > at then at, limit = t, why end
  end
  notBefore(newest(1), 'second') -- requests are sent in the order in which they were booked
  local nth = newest(perSecond)
  notBefore(nth and nth + second, 'second')
  nth = newest(perHour - reserve)
  notBefore(nth and nth + period, reserve > 0 and 'reserve' or 'hour')
  local server = redis.call('HMGET', said, 'blocked', 'left', 'until')
  notBefore(tonumber(server[1] or ''), 'server')
  if server[2] and tonumber(server[2]) <= reserve then notBefore(tonumber(server[3]), 'server') end
  local live = '(' .. text(now)
  local full = redis.call('ZCOUNT', leases, live, '+inf') >= atOnce
  if full then
    local first = redis.call('ZRANGEBYSCORE', leases, live, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
    notBefore(math.min(tonumber(first), now + recheck), 'at once')
  end
  return at, limit, full
end
