-- ARGV[2..]: letters wanted, longest wait, letters and length of the pace, letters and length of the day. Times are
-- microseconds.
local function earliest(log, letters, length, needed, from)
  local sum, at = used(log, length, from), from
  for _, entry in ipairs(log) do
    if entry[1] + length > from then
      if sum + needed <= letters then break end
      sum = sum - entry[2]
      at = entry[1] + length
    end
  end
  return at
end

local function added(log, length, at, letters)
  local kept = {}
  for _, entry in ipairs(log) do
    if entry[1] + length > at then kept[#kept + 1] = entry end
  end
  local part, last = math.max(math.floor(length / PARTS), 1), kept[#kept]
  if last and math.floor(last[1] / part) == math.floor(at / part) then
    last[1], last[2] = at, last[2] + letters
  else
    kept[#kept + 1] = {at, letters}
  end
  return written(kept)
end

local stored = redis.call('HMGET', KEYS[1], 'held', 'others', 'recent', 'day')
if not stored[2] then return {'unseeded'} end
local wanted, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
local pace, second = tonumber(ARGV[4]), tonumber(ARGV[5])
local quota, day = math.max(tonumber(ARGV[6]) - stored[2], 0), tonumber(ARGV[7])
local most = math.min(wanted, pace, quota)
if most == 0 then return {'others'} end

local needed = math.ceil(most / 2)
local of_second, of_day = read(stored[3]), read(stored[4])
local begun = now()
local last = of_second[#of_second]
local at = math.max(begun, tonumber(stored[1] or 0), last and last[1] or 0)
while true do
  local next = earliest(of_day, quota, day, 1, earliest(of_second, pace, second, needed, at))
  if next == at then break end
  at = next
end
if at - begun > longest then return {'later', string.format('%.0f', at - begun)} end

local letters = math.min(most, pace - used(of_second, second, at), quota - used(of_day, day, at))
redis.call('HSET', KEYS[1], 'recent', added(of_second, second, at, letters), 'day', added(of_day, day, at, letters))
redis.call('EXPIRE', KEYS[1], 172800)
return {'granted', string.format('%.0f', letters), string.format('%.0f', at - begun), string.format('%.0f', at)}
