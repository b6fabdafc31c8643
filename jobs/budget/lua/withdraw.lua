-- ARGV: id. Takes a request back that was booked and never sent.
redis.call('ZREM', leases, ARGV[1])
if redis.call('ZREM', used, ARGV[1]) == 1 and redis.call('HEXISTS', said, 'left') == 1 then
  redis.call('HINCRBY', said, 'left', 1)
end
return 1
