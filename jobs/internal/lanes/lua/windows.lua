-- KEYS: the record, its windows. ARGV: fence, then days and states of windows, '' for windows to remove. Does nothing if no
-- attempt with this fence is running.
local of = redis.call('HMGET', KEYS[1], 'state', 'fence')
if of[1] ~= 'running' or of[2] ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[2], ARGV[i]) else redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
end
return 1
