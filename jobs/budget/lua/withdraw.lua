-- ARGV: id. Cancels the booking of a request that was never sent.
redis.call('ZREM', leases, ARGV[1])
if redis.call('ZREM', used, ARGV[1]) == 1 and redis.call('HEXISTS', said, 'left') == 1 then
  redis.call('HINCRBY', said, 'left', 1)
end
return 1
