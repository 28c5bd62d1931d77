-- ARGV[2]: the own letters of the last 24 hours, for a log without a memory; ARGV[3]: those of others, below 0 where nobody
-- knows.
if redis.call('HSETNX', KEYS[1], 'others', 0) == 1 and tonumber(ARGV[2]) > 0 then
  redis.call('HSET', KEYS[1], 'day', written({{now(), tonumber(ARGV[2])}}))
end
if tonumber(ARGV[3]) >= 0 then redis.call('HSET', KEYS[1], 'others', ARGV[3]) end
redis.call('EXPIRE', KEYS[1], 172800)
return {'seeded'}
