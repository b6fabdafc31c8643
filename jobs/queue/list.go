package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// Filter selects jobs. Empty fields match all.
type Filter struct {
	Kind     jobs.Kind // "" means all kinds that write; queries are listed separately
	State    jobs.State
	Project  string
	Database string // full name, with the volume
	Limit    int    // maximum number of jobs, newest first; 0 means 100
}

const (
	defaultLimit = 100
	listPage     = 200
)

// List returns the jobs that match f, newest first.
func (q *Queue) List(ctx context.Context, f Filter) ([]jobs.Record, error) {
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	index, err := q.narrowest(ctx, f)
	if err != nil {
		return nil, err
	}
	var found []jobs.Record
	seen := make(map[string]bool)
	var gone []string
	for start := 0; len(found) < f.Limit; {
		size := listPage
		if index.exact {
			size = min(listPage, f.Limit-len(found))
		}
		ids, err := q.e.Redis.ZRevRange(ctx, index.key, int64(start), int64(start+size-1)).Result()
		if err != nil {
			return nil, fmt.Errorf("list jobs: %w", err)
		}
		if len(ids) == 0 {
			break
		}
		start += len(ids)
		page, err := q.e.Records.LoadAll(ctx, ids)
		if err != nil {
			return nil, err
		}
		for i, e := range page {
			switch {
			case seen[ids[i]]: // moved here from the previous page by a newer job
			case e == nil:
				gone = append(gone, ids[i])
			case f.matches(e.Record) && len(found) < f.Limit:
				found = append(found, e.Record)
			}
			seen[ids[i]] = true
		}
	}
	// Their retention ended while no worker was running.
	for _, id := range gone {
		if err := q.e.Records.Forget(ctx, id, f.Project, f.Database); err != nil {
			return nil, err
		}
	}
	return found, q.e.Locate(ctx, found)
}

func (f Filter) matches(r jobs.Record) bool {
	return (f.Kind == "" || f.Kind == r.Kind) && (f.State == "" || f.State == r.State) && (f.Project == "" || f.Project == r.Project) &&
		(f.Database == "" || f.Database == r.Database)
}

// index is a sorted set of job IDs. It is exact for a filter if all its jobs match.
type index struct {
	key   string
	exact bool
}

// narrowest returns the shortest index that contains all jobs matching f.
func (q *Queue) narrowest(ctx context.Context, f Filter) (index, error) {
	s, exact := lanes.ScopeOf(f.Kind), f.Kind == "" || f.Kind == jobs.KindQuery
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
	switch len(keys) {
	case 0:
		return index{key: s.All(), exact: exact}, nil
	case 1:
		return index{key: keys[0], exact: exact}, nil
	}
	pipe := q.e.Redis.Pipeline()
	sizes := make([]*redis.IntCmd, len(keys))
	for i, key := range keys {
		sizes[i] = pipe.ZCard(ctx, key)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return index{}, fmt.Errorf("list jobs: %w", err)
	}
	best := 0
	for i := range sizes {
		if sizes[i].Val() < sizes[best].Val() {
			best = i
		}
	}
	return index{key: keys[best]}, nil
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
