-- KEYS: the schedule, the record, the set of jobs on their way to their lanes. ARGV: version, the job that the piece
-- follows, prefix of records, then the arguments of create; none if there is no piece. Returns job, busy (another
-- piece is not final), ended, or stale.
local is = redis.call('HMGET', KEYS[1], 'version', 'follow', 'piece', 'paused')
if is[1] ~= ARGV[1] or is[2] ~= ARGV[2] then return 'stale' end
if not ARGV[4] then
  redis.call('HSET', KEYS[1], 'follow', '')
  return 'ended'
end
if is[4] == '1' then return 'stale' end
if live(ARGV[3], is[3]) then return 'busy' end
local made = {unpack(ARGV, 4)}
create(KEYS[2], made)
redis.call('HSET', KEYS[1], 'follow', made[1], 'piece', made[1])
redis.call('SADD', KEYS[3], made[1])
return 'job'
