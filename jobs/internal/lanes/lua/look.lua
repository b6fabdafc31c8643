-- ARGV: now. Gives a free lane to its next job and returns what the sweep needs: the holder's job, fence, since,
-- worker and boot, and when the first delayed job is due.
advance('ok', ARGV[1])
local h = redis.call('HMGET', holder, 'job', 'fence', 'since', 'worker', 'boot')
local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
return {
  h[1] or '', h[2] or '0', h[3] or '0', h[4] or '', h[5] or '',
  string.format('%.0f', tonumber(first[2] or '0')),
}
