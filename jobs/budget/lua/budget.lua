-- What every script of a budget starts with. A budget is three keys of one hash slot: the requests of the last period (ZSET
-- by when they went), the leases of those that are under way (ZSET by when they run out) and what is said of it (HASH):
-- until when the server wants no request (blocked), how many more it allows (left) until when (until), and how many in
-- a period the last to ask keeps to (per_hour). The last argument of each script is the length of a period, usually an hour. Times are unix ms. No script asks for the time.
local used, leases, said = KEYS[1], KEYS[2], KEYS[3]
local period = tonumber(ARGV[#ARGV])
-- Two requests that go a second apart may reach the server a little closer.
local second = 1200
-- When a request of those under way may end nobody knows; so soon it is worth asking again.
local recheck = 5 * 1000

local function text(n) return string.format('%.0f', n) end

-- keep makes a key last for so long at least.
local function keep(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, text(ms)) end
end

-- newest returns when the nth newest request went, or nil if there are not so many.
local function newest(n)
  return tonumber(redis.call('ZREVRANGE', used, n - 1, n - 1, 'WITHSCORES')[2] or '')
end

-- earliest returns when the next request may go, not before now, the limit that keeps it so long ('' if none does), and
-- whether so many are under way that none can be promised. It leaves so many of the period, and of what the server allows, as
-- the reserve has.
local function earliest(now, perHour, perSecond, atOnce, reserve)
  local at, limit = now, ''
  local function notBefore(t, why)
    if t and t > at then at, limit = t, why end
  end
  notBefore(newest(1), 'second') -- requests go in the order in which they asked
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
