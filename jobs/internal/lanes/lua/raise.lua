-- ARGV: a fence found in the database. Later turns of the lane have higher ones.
local seen = tonumber(redis.call('HGET', holder, 'seen') or '0')
if tonumber(ARGV[1]) > seen then redis.call('HSET', holder, 'seen', ARGV[1]) end
return 1
