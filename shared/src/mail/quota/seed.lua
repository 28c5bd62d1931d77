-- ARGV[2]: the letters of the last 24 hours; ARGV[3]: 24 hours in microseconds.
local own = used(read(redis.call('HGET', KEYS[1], 'day')), tonumber(ARGV[3]), now())
redis.call('HSET', KEYS[1], 'others', string.format('%.0f', math.max(ARGV[2] - own, 0)))
redis.call('EXPIRE', KEYS[1], 172800)
return {'seeded'}
