-- ARGV[2]: for how many microseconds.
local held = math.max(tonumber(redis.call('HGET', KEYS[1], 'held') or 0), now() + ARGV[2])
redis.call('HSET', KEYS[1], 'held', string.format('%.0f', held))
redis.call('EXPIRE', KEYS[1], 172800)
return {'held'}
