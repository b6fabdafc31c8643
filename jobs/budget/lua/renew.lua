-- ARGV: id, when the lease runs out, in how many ms that is. Does nothing to a lease that is gone.
if not redis.call('ZSCORE', leases, ARGV[1]) then return 0 end
redis.call('ZADD', leases, ARGV[2], ARGV[1])
keep(leases, tonumber(ARGV[3]))
return 1
