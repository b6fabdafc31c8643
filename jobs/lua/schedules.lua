-- What the scripts of a schedule start with, after that of records. A schedule is a HASH of definition (JSON), timing (the
-- part of it that decides when it fires), origins (',a,b,'), version (other after each change), created, since (ticks up
-- to then do not count), paused, job (the last that it made, pieces aside), follow (the job after which a piece may come)
-- and piece (the last one). Its history is a ZSET of 'tick outcome job at' by tick. Times are unix ms, and now is that of
-- Redis, asked by the caller: no script does.
local function text(n) return string.format('%.0f', n) end

-- live reports whether a job is not final.
local function live(prefix, id)
  local state = id and id ~= '' and redis.call('HGET', prefix .. 'rec:' .. id, 'state')
  return state and state ~= 'done' and state ~= 'failed' and state ~= 'cancelled'
end

-- started reports whether a job has had an attempt.
local function started(prefix, id)
  return (redis.call('HGET', prefix .. 'rec:' .. id, 'started') or '') ~= ''
end

