-- The prelude of the schedule scripts, after that of records. A schedule is a HASH of definition (JSON), timing (the
-- part of the definition that decides when it fires), origins (',a,b,'), version (different after each change),
-- created, since (ticks up to then do not count), changed (when a person or a file last changed it), paused, job (the
-- last one it made, except pieces), follow (the job that a piece can follow) and piece (the last one). Its history is
-- a ZSET of 'tick outcome job at' by tick. Times are unix ms, and now is Redis time, passed by the caller: no script
-- reads the clock.
--
-- Workers keep copies of schedules in case Redis loses its data. If a copy and Redis differ, the last change counts.
-- The HASH of removed schedules holds by name when each was removed, followed by ' file' unless a person did so. These
-- times increase with each change of a schedule, even when the clock was set back.
local function text(n) return string.format('%.0f', n) end

-- moment returns the time at the start of a text, or 0 if there is none.
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

