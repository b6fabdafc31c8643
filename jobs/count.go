package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// StateCount says how many jobs are in a state.
type StateCount struct {
	State  State
	Jobs   int       // whose records are kept, of all kinds
	Oldest time.Time // when the oldest of them was submitted; zero if there is none
}

// Counts returns how many jobs are in each state. It takes one round trip, however many there are.
func (q *Queue) Counts(ctx context.Context) ([]StateCount, error) {
	states := []State{
		StateWaiting, StateQueued, StateRunning, StatePaused, StateRetrying, StateDone, StateFailed, StateCancelled,
	}
	pipe := q.rdb.Pipeline()
	sizes := make(map[string]*redis.IntCmd)
	oldest := make(map[string]*redis.ZSliceCmd)
	for _, scope := range scopes() {
		for _, state := range states {
			key := scope.state(state)
			sizes[key], oldest[key] = pipe.ZCard(ctx, key), pipe.ZRangeWithScores(ctx, key, 0, 0)
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	counts := make([]StateCount, len(states))
	for i, state := range states {
		c := StateCount{State: state}
		for _, scope := range scopes() {
			c.Jobs += int(sizes[scope.state(state)].Val())
			for _, z := range oldest[scope.state(state)].Val() {
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
