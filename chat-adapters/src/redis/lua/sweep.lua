-- Forgets leases that have ended; answers their users, at most as many as asked for.
-- KEYS: leases, ends. ARGV: now, limit.
local users = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
if #users > 0 then
  redis.call('HDEL', KEYS[1], unpack(users))
  redis.call('ZREM', KEYS[2], unpack(users))
end
return users
