-- Takes or renews a node's leases; answers the users who came online by it.
-- KEYS: leases, ends. ARGV: node, now, until, how long the keys live (ms), users.
local node, now, until_, life = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local users = {unpack(ARGV, 5)}
local held = redis.call('HMGET', KEYS[1], unpack(users))
local came, leases, ends = {}, {}, {}
for i, user in ipairs(users) do
  local kept, last, last_number = {until_ .. ' ' .. node .. ';'}, until_, tonumber(until_)
  local online = false
  for time, holder in string.gmatch(held[i] or '', '(%d+) ([^;]+);') do
    local number = tonumber(time)
    if number > now then
      online = true
      if holder ~= node then
        kept[#kept + 1] = time .. ' ' .. holder .. ';'
        if number > last_number then
          last, last_number = time, number
        end
      end
    end
  end
  if not online then
    came[#came + 1] = user
  end
  leases[#leases + 1], leases[#leases + 2] = user, table.concat(kept)
  ends[#ends + 1], ends[#ends + 2] = last, user
end
redis.call('HSET', KEYS[1], unpack(leases))
redis.call('ZADD', KEYS[2], unpack(ends))
redis.call('PEXPIRE', KEYS[1], life)
redis.call('PEXPIRE', KEYS[2], life)
return came
