package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// Filter selects jobs. Empty fields match all.
type Filter struct {
	Kind     jobs.Kind // "" means all kinds that write; queries, which include [jobs.KindAsk], are listed separately
	State    jobs.State
	Project  string
	Database string // full name, with the volume
	Before   string // only jobs older than the job with this ID; it need not exist
	Limit    int    // maximum number of jobs, newest first; 0 means 100
}

const (
	defaultLimit = 100
	listPage     = 200    // records read at a time
	widestPage   = 10_000 // ids
)

// List returns the jobs that match f, newest first. For the next page, set [Filter.Before] to the ID of the last one. List
// returns an error with [fault.CodeUsage] if Before is not a job ID.
func (q *Queue) List(ctx context.Context, f Filter) ([]jobs.Record, error) {
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	at, err := startOf(f.Before)
	if err != nil {
		return nil, err
	}
	indexes, err := q.indexes(ctx, f)
	if err != nil {
		return nil, err
	}
	var found []jobs.Record
	size := f.Limit
	if len(indexes) > 1 {
		size = max(size, listPage)
	}
	for ; len(found) < f.Limit; size = max(size, min(widestPage, 4*size)) {
		ids, err := q.page(ctx, indexes, &at, size)
		if err != nil {
			return nil, err
		}
		if at.end {
			break
		}
		if found, err = q.choose(ctx, f, found, ids); err != nil {
			return nil, err
		}
	}
	return found, q.e.Locate(ctx, found)
}

// choose appends those jobs of ids to found that match f, up to its limit.
func (q *Queue) choose(ctx context.Context, f Filter, found []jobs.Record, ids []string) ([]jobs.Record, error) {
	for chunk := range slices.Chunk(ids, listPage) {
		records, err := q.e.Records.LoadAll(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for i, e := range records {
			switch {
			case len(found) == f.Limit:
				return found, nil
			case e == nil: // its retention ended while no worker was running
				if err := q.e.Records.Forget(ctx, chunk[i], f.Project, f.Database); err != nil {
					return nil, err
				}
			case f.matches(e.Record):
				found = append(found, e.Record)
			}
		}
	}
	return found, nil
}

func (f Filter) matches(r jobs.Record) bool {
	return (f.Kind == "" || f.Kind == r.Kind || f.Kind == r.Work()) && (f.State == "" || f.State == r.State) && (f.Project == "" || f.Project == r.Project) &&
		(f.Database == "" || f.Database == r.Database)
}

// indexes returns the keys of the indexes that contain all jobs matching f, shortest first.
func (q *Queue) indexes(ctx context.Context, f Filter) ([]string, error) {
	s := lanes.ScopeOf(f.Kind)
	var keys []string
	if f.State != "" {
		keys = append(keys, s.State(f.State))
	}
	if f.Project != "" {
		keys = append(keys, s.Project(f.Project))
	}
	if f.Database != "" {
		keys = append(keys, s.Database(f.Database))
	}
	if f.Kind != "" && f.Kind.Writes() {
		complete, err := q.e.Records.KindsIndexed(ctx)
		if err != nil {
			return nil, err
		}
		if complete { // otherwise List reads every record
			keys = append(keys, lanes.KindKey(f.Kind))
		}
	}
	switch len(keys) {
	case 0:
		return []string{s.All()}, nil
	case 1:
		return keys, nil
	}
	pipe := q.e.Redis.Pipeline()
	sizes := make(map[string]*redis.IntCmd)
	for _, key := range keys {
		sizes[key] = pipe.ZCard(ctx, key)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(sizes[a].Val(), sizes[b].Val()) })
	return keys, nil
}

// Counts returns the number of jobs in each state. It takes one round trip for any number of jobs.
func (q *Queue) Counts(ctx context.Context) ([]jobs.StateCount, error) {
	states := []jobs.State{
		jobs.StateWaiting, jobs.StateQueued, jobs.StateRunning, jobs.StatePaused, jobs.StateRetrying, jobs.StateDone, jobs.StateFailed, jobs.StateCancelled,
	}
	pipe := q.e.Redis.Pipeline()
	sizes := make(map[string]*redis.IntCmd)
	oldest := make(map[string]*redis.ZSliceCmd)
	for _, scope := range lanes.Scopes() {
		for _, state := range states {
			key := scope.State(state)
			sizes[key], oldest[key] = pipe.ZCard(ctx, key), pipe.ZRangeWithScores(ctx, key, 0, 0)
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	counts := make([]jobs.StateCount, len(states))
	for i, state := range states {
		c := jobs.StateCount{State: state}
		for _, scope := range lanes.Scopes() {
			c.Jobs += int(sizes[scope.State(state)].Val())
			for _, z := range oldest[scope.State(state)].Val() {
				at := time.UnixMilli(int64(z.Score)).UTC()
				if c.Oldest.IsZero() || at.Before(c.Oldest) {
					c.Oldest = at
				}
			}
		}
		counts[i] = c
	}
	return counts, nil
}
