package schedule

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/field"
	"mixduck/jobs/internal/lanes"
)

// The agenda says when to look at each schedule next. Scripts that change a schedule, or end one of its jobs, put it
// first. So a look costs what is due, however many schedules there are.

const (
	agendaPage  = 100              // schedules read at once
	lookAtLeast = time.Hour        // in case a program of an older version has changed a schedule
	lookAtJob   = time.Minute      // the same while a job may be followed by a piece
	mendPage    = 1000             // names written at once
	lookAgain   = 10 * time.Second // after a failure
)

// mend puts all schedules on the agenda that are missing there, or all at once, and removes those that no longer exist.
func (st *Store) mend(ctx context.Context, now time.Time, all bool) error {
	names, err := st.e.Redis.SMembers(ctx, lanes.SchedulesKey).Result()
	if err != nil {
		return fmt.Errorf("list schedules: %w", err)
	}
	listed, err := st.e.Redis.ZRange(ctx, lanes.AgendaKey, 0, -1).Result()
	if err != nil {
		return fmt.Errorf("list schedules: %w", err)
	}
	exists := make(map[string]bool, len(names))
	for _, name := range names {
		exists[name] = true
	}
	gone := slices.DeleteFunc(listed, func(name string) bool { return exists[name] })
	for page := range slices.Chunk(gone, mendPage) {
		if err := st.e.Redis.ZRem(ctx, lanes.AgendaKey, page).Err(); err != nil {
			return fmt.Errorf("forget schedules: %w", err)
		}
	}
	first := redis.ZAddArgs{NX: !all}
	for page := range slices.Chunk(names, mendPage) {
		first.Members = first.Members[:0]
		for _, name := range page {
			first.Members = append(first.Members, redis.Z{Score: float64(-now.UnixMilli()), Member: name})
		}
		if err := st.e.Redis.ZAddArgs(ctx, lanes.AgendaKey, first).Err(); err != nil {
			return fmt.Errorf("look at schedules: %w", err)
		}
	}
	return nil
}

// mendable reports whether the agenda has another number of schedules than there are.
func (st *Store) mendable(ctx context.Context) (bool, error) {
	pipe := st.e.Redis.Pipeline()
	all, listed := pipe.SCard(ctx, lanes.SchedulesKey), pipe.ZCard(ctx, lanes.AgendaKey)
	if _, err := pipe.Exec(ctx); err != nil {
		return false, fmt.Errorf("count schedules: %w", err)
	}
	return all.Val() != listed.Val(), nil
}

// entry is a schedule on the agenda.
type entry struct {
	name  string
	seen  float64 // its score
	state State
	err   error     // of reading the state
	next  time.Time // when to look again
}

// due returns some of the schedules that are due. It leaves out none for good: until they are postponed, they stay due.
func (st *Store) due(ctx context.Context, now time.Time) ([]entry, error) {
	found, err := st.e.Redis.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
		Key: lanes.AgendaKey, ByScore: true, Start: "-inf", Stop: now.UnixMilli(), Count: agendaPage,
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("find due schedules: %w", err)
	}
	entries, names := make([]entry, len(found)), make([]string, len(found))
	for i, z := range found {
		names[i], _ = z.Member.(string)
		entries[i] = entry{name: names[i], seen: z.Score, next: now.Add(lookAtLeast)}
	}
	hashes, ticks, err := st.read(ctx, names, now)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		e := &entries[i]
		if e.state, e.err = parseState(hashes[i].Val(), ticks[i].Val()); e.err != nil {
			e.err = fmt.Errorf("schedule %s: %w", e.name, e.err)
		}
	}
	return entries, nil
}

// postpone sets when to look at schedules next, except those that have changed since they were read.
func (st *Store) postpone(ctx context.Context, entries []entry) error {
	args := make([]any, 0, 3*len(entries))
	for _, e := range entries {
		args = append(args, e.name, strconv.FormatFloat(e.seen, 'f', 0, 64), field.Millis(e.next))
	}
	if err := st.scripts.agenda.Run(ctx, st.e.Redis, []string{lanes.AgendaKey}, args...).Err(); err != nil {
		return fmt.Errorf("postpone schedules: %w", err)
	}
	return nil
}
