-- ARGV: now, until, left. Keeps what the server said: so many more requests until then. That it wants none stands until
-- its time has come, whatever answers that were sent earlier say; otherwise its last word counts.
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
