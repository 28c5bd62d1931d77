-- The send log in Redis: the same as log.rs and window.rs, on the server's own clock. It stands before each of the scripts.
-- KEYS[1]: a hash of held, others, recent and day. ARGV[1]: by how many microseconds a test has moved the clock.
local PARTS = 96

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2] + ARGV[1]
end

local function read(text)
  local log = {}
  for at, letters in string.gmatch(text or '', '(%d+):(%d+)') do
    log[#log + 1] = {tonumber(at), tonumber(letters)}
  end
  return log
end

local function written(log)
  local entries = {}
  for index, entry in ipairs(log) do
    entries[index] = string.format('%.0f:%.0f', entry[1], entry[2])
  end
  return table.concat(entries, ',')
end

local function used(log, length, at)
  local sum = 0
  for _, entry in ipairs(log) do
    if entry[1] + length > at then sum = sum + entry[2] end
  end
  return sum
end
