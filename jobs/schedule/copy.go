package schedule

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/lanes"
)

// Copy holds the schedules in Redis, for a worker to keep elsewhere: schedules added by people exist nowhere else. Its
// JSON form is stored: fields are only ever added.
type Copy struct {
	Schedules map[string]Copied `json:"schedules"` // by name
	Removed   map[string]string `json:"removed"`   // removal times, by name; see lua/prelude.lua
}

// Copied is a schedule as stored in Redis.
type Copied struct {
	Fields map[string]string `json:"fields"`
	Tick   string            `json:"tick,omitempty"` // the last in its history; "" for none
}

// removalLasts is how long removals of schedules are remembered. No copy is older.
const removalLasts = 90 * 24 * time.Hour

// Copy returns a copy of all schedules in Redis. Now is the [queue.Queue.Time].
func (st *Store) Copy(ctx context.Context, now time.Time) (Copy, error) {
	ctx, stop := context.WithTimeout(ctx, lanes.CallTimeout)
	defer stop()
	c := Copy{Schedules: map[string]Copied{}}
	names, err := st.e.Redis.SMembers(ctx, lanes.SchedulesKey).Result()
	if err == nil {
		c.Removed, err = st.e.Redis.HGetAll(ctx, lanes.RemovedKey).Result()
	}
	if err != nil {
		return c, fmt.Errorf("copy the schedules: %w", err)
	}
	hashes, ticks, err := st.read(ctx, names, now)
	for i, name := range names {
		if err == nil && hashes[i].Val()["definition"] != "" {
			c.Schedules[name] = Copied{Fields: hashes[i].Val(), Tick: strings.Join(ticks[i].Val(), "")}
		}
	}
	return c, err
}

// read requests the hashes of schedules and their last ticks up to now.
func (st *Store) read(ctx context.Context, names []string, now time.Time) ([]*redis.MapStringStringCmd, []*redis.StringSliceCmd, error) {
	hashes, ticks := make([]*redis.MapStringStringCmd, len(names)), make([]*redis.StringSliceCmd, len(names))
	if len(names) == 0 {
		return hashes, ticks, nil
	}
	pipe := st.e.Redis.Pipeline()
	for i, name := range names {
		hashes[i] = pipe.HGetAll(ctx, scheduleKey(name))
		ticks[i] = pipe.ZRangeArgs(ctx, redis.ZRangeArgs{
			Key: historyKey(name), ByScore: true, Start: now.UnixMilli(), Stop: "-inf", Rev: true, Count: 1, // from the latest backwards
		})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, fmt.Errorf("read schedules: %w", err)
	}
	return hashes, ticks, nil
}

// Restore writes those schedules of a copy to Redis that Redis has lost or has in an older state. The last change of a
// schedule counts, even if it is a removal. Restore returns the names of the schedules it has written, and can be
// repeated at any time. Now is the [queue.Queue.Time].
func (st *Store) Restore(ctx context.Context, kept Copy, now time.Time) (restored []string, err error) {
	there, err := st.Copy(ctx, now)
	if err != nil {
		return nil, err
	}
	if err := st.restoreRemovals(ctx, kept.Removed, there.Removed, now); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(kept.Schedules)) {
		c := kept.Schedules[name]
		if is, ok := there.Schedules[name]; ok && is.changed() >= c.changed() || momentOf(there.Removed[name]) >= c.changed() {
			continue
		}
		written, err := st.restore(ctx, name, c)
		if err != nil {
			return restored, err
		}
		if written {
			restored = append(restored, name)
		}
	}
	return restored, nil
}

// restoreRemovals keeps removed schedules from coming back, and forgets old removals.
func (st *Store) restoreRemovals(ctx context.Context, kept, there map[string]string, now time.Time) error {
	long := now.Add(-removalLasts).UnixMilli()
	for name, removed := range kept {
		if at := momentOf(removed); at <= long || momentOf(there[name]) >= at {
			continue
		}
		keys := []string{scheduleKey(name), historyKey(name), lanes.SchedulesKey, lanes.RemovedKey}
		if err := st.scripts.bury.Run(ctx, st.e.Redis, keys, name, removed).Err(); err != nil {
			return fmt.Errorf("remove schedule %s again: %w", name, err)
		}
	}
	for name, removed := range there {
		if momentOf(removed) > long {
			continue
		}
		if err := st.e.Redis.HDel(ctx, lanes.RemovedKey, name).Err(); err != nil {
			return fmt.Errorf("forget that schedule %s was removed: %w", name, err)
		}
	}
	return nil
}

// Onto returns c plus the entries of an older copy that are missing but were not removed.
func (c Copy) Onto(older Copy) Copy {
	for name, removed := range older.Removed {
		if is := max(c.Schedules[name].changed(), momentOf(c.Removed[name])); momentOf(removed) > is {
			delete(c.Schedules, name)
			c.Removed[name] = removed
		}
	}
	for name, s := range older.Schedules {
		if is := max(c.Schedules[name].changed(), momentOf(c.Removed[name])); s.changed() > is {
			c.Schedules[name] = s
			delete(c.Removed, name)
		}
	}
	return c
}

func (st *Store) restore(ctx context.Context, name string, c Copied) (written bool, err error) {
	tick, _, _ := strings.Cut(c.Tick, " ")
	args := []any{name, c.changed(), tick, c.Tick, rand.Text()}
	for field, value := range c.Fields {
		args = append(args, field, value)
	}
	keys := []string{scheduleKey(name), historyKey(name), lanes.SchedulesKey, lanes.RemovedKey, lanes.AgendaKey}
	result, err := st.scripts.restore.Run(ctx, st.e.Redis, keys, args...).Text()
	if err != nil {
		return false, fmt.Errorf("restore schedule %s: %w", name, err)
	}
	return result == "restored", nil
}

// changed returns the time of the schedule's last change in unix ms.
func (c Copied) changed() int64 {
	if changed := momentOf(c.Fields["changed"]); changed != 0 {
		return changed
	}
	return momentOf(c.Fields["created"]) // written by an earlier version
}

// momentOf returns the time at the start of a text in unix ms, or 0 if there is none.
func momentOf(s string) int64 {
	first, _, _ := strings.Cut(s, " ")
	ms, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0
	}
	return ms
}
