-- ARGV: id, when the lease expires, and in how many ms. Does nothing if the lease does not exist.
if not redis.call('ZSCORE', leases, ARGV[1]) then return 0 end
redis.call('ZADD', leases, ARGV[2], ARGV[1])
keep(leases, tonumber(ARGV[3]))
return 1
