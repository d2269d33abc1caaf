-- Gives a node's leases back; answers the users who went offline by it.
-- KEYS: leases, ends. ARGV: node, now, users.
local node, now = ARGV[1], tonumber(ARGV[2])
local users = {unpack(ARGV, 3)}
local held = redis.call('HMGET', KEYS[1], unpack(users))
local gone = {}
for i, user in ipairs(users) do
  local kept, last, last_number = {}, nil, 0
  local was_online, online = false, false
  for time, holder in string.gmatch(held[i] or '', '(%d+) ([^;]+);') do
    local number = tonumber(time)
    was_online = was_online or number > now
    if holder ~= node then
      online = online or number > now
      kept[#kept + 1] = time .. ' ' .. holder .. ';'
      if number > last_number then
        last, last_number = time, number
      end
    end
  end
  -- What has ended stays for the sweep, which tells of it.
  if was_online and online then
    redis.call('HSET', KEYS[1], user, table.concat(kept))
    redis.call('ZADD', KEYS[2], last, user)
  elseif was_online then
    redis.call('HDEL', KEYS[1], user)
    redis.call('ZREM', KEYS[2], user)
    gone[#gone + 1] = user
  end
end
return gone
