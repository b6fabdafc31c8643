-- What the scripts of a schedule start with, after that of records. A schedule is a HASH of definition (JSON), timing (the
-- part of it that decides when it fires), origins (',a,b,'), version (other after each change), created, since (ticks up
-- to then do not count), changed (when a person or a file last changed it), paused, job (the last that it made, pieces aside), follow (the job after which a piece may come)
-- and piece (the last one). Its history is a ZSET of 'tick outcome job at' by tick. Times are unix ms, and now is that of
-- Redis, asked by the caller: no script does.
--
-- Workers keep copies of schedules for the day on which Redis loses its data. Of a copy and what Redis holds the newer counts,
-- by the time of the last change. The HASH of removed schedules, by name, holds when each was removed, followed by ' file' where
-- no person did so. These times grow with each change of a schedule, also when the clock was set back.
local function text(n) return string.format('%.0f', n) end

-- moment returns the time that a text begins with, 0 if there is none.
local function moment(s) return tonumber(string.match(s or '', '^%d+') or '0') end

-- after returns now, or the moment after another one if that is later.
local function after(now, other) return text(math.max(tonumber(now), other + 1)) end

-- live reports whether a job is not final.
local function live(prefix, id)
  local state = id and id ~= '' and redis.call('HGET', prefix .. 'rec:' .. id, 'state')
  return state and state ~= 'done' and state ~= 'failed' and state ~= 'cancelled'
end

-- started reports whether a job has had an attempt.
local function started(prefix, id)
  return (redis.call('HGET', prefix .. 'rec:' .. id, 'started') or '') ~= ''
end

