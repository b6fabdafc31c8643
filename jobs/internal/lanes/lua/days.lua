-- KEYS: which reports of day maps were written, by database; the maps of this database, by table. ARGV: database, fence and
-- number of the report, whether it has all tables (1 or 0), then tables and maps. Does nothing if a later report was
-- written.
local fence, seq = tonumber(ARGV[2]), tonumber(ARGV[3])
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old then
  local oldFence, oldSeq = string.match(old, '^(%d+):(%d+)$')
  oldFence, oldSeq = tonumber(oldFence), tonumber(oldSeq)
  if oldFence > fence or oldFence == fence and oldSeq > seq then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
if ARGV[4] == '1' then redis.call('DEL', KEYS[2]) end
for i = 5, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
