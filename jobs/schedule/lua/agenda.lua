-- KEYS: the agenda. ARGV: for each schedule its name, its score when the caller read it, and when to look again. A score
-- that has changed since stays: the schedule has changed, too.
for i = 1, #ARGV, 3 do
  local is = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if is and tonumber(is) == tonumber(ARGV[i + 1]) then redis.call('ZADD', KEYS[1], ARGV[i + 2], ARGV[i]) end
end
return 1
