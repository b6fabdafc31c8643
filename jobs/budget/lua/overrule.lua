-- ARGV: now, until, left. Stores what the server said: it allows left more requests until then. If it allows none,
-- that applies until that time, whatever earlier responses say; otherwise the latest response counts.
local now, till, left = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if till <= now then return 0 end
local blocked = tonumber(redis.call('HGET', said, 'blocked') or '0')
if left <= 0 then
  redis.call('HSET', said, 'blocked', text(math.max(blocked, till)))
elseif blocked <= now then
  redis.call('HSET', said, 'left', ARGV[3], 'until', ARGV[2])
end
keep(said, math.max(till - now, period))
return 1
