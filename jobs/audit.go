package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	auditPage = 500
	auditAge  = time.Minute // younger jobs may still be on their way into their lane
)

// audit finds jobs that are not final and yet in no lane, and puts them there: their process died between writing the
// record and the lane, or Redis lost its last moments. It also makes sure that the sweep knows their lanes.
func (q *Queue) audit(ctx context.Context) error {
	a := auditor{q: q, lanes: make(map[string]map[string]bool)}
	for _, scope := range scopes() {
		for _, state := range []State{StateWaiting, StateQueued, StateRunning, StatePaused, StateRetrying} {
			if err := a.index(ctx, scope.state(state)); err != nil {
				return fmt.Errorf("audit: %w", err)
			}
		}
	}
	return nil
}

// auditor remembers what the lanes held when they were first asked for.
type auditor struct {
	q     *Queue
	lanes map[string]map[string]bool
}

// index looks at all jobs of an index.
func (a auditor) index(ctx context.Context, key string) error {
	ids, err := a.q.rdb.ZRange(ctx, key, 0, -1).Result() // all at once: the audit deletes from the index
	if err != nil {
		return err
	}
	for page := range slices.Chunk(ids, auditPage) {
		if err := a.page(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

func (a auditor) page(ctx context.Context, ids []string) error {
	entries, err := a.q.records.loadAll(ctx, ids)
	if err != nil {
		return err
	}
	young := a.q.now().Add(-auditAge)
	var failed error
	for i, e := range entries {
		switch {
		case e == nil:
			failed = errors.Join(failed, a.q.records.forget(ctx, ids[i], "", ""))
		case !e.State.Final() && e.CreatedAt.Before(young):
			failed = errors.Join(failed, a.job(ctx, e))
		}
	}
	return failed
}

func (a auditor) job(ctx context.Context, e *entry) error {
	lane := e.lane()
	known, ok := a.lanes[lane]
	if !ok {
		l, err := a.q.lanes.line(ctx, lane)
		if err != nil {
			return err
		}
		known = l.members()
		a.lanes[lane] = known
		at := a.q.now().UnixMilli()
		if err := a.q.rdb.ZAddNX(ctx, lanesKey, redis.Z{Score: float64(at), Member: lane}).Err(); err != nil {
			return fmt.Errorf("lane %s: %w", lane, err)
		}
	}
	if known[e.ID] {
		return nil
	}
	if e.State == StateRunning {
		lost, err := a.lost(ctx, e)
		if err != nil || !lost {
			return err
		}
	}
	next, err := a.q.enter(ctx, e.Record, rule{}) // which asks the lane again
	if err != nil {
		return err
	}
	return a.q.dispatch(ctx, next)
}

// lost reports whether a job that seems to run has no turn, and if so, makes it wait.
func (a auditor) lost(ctx context.Context, e *entry) (bool, error) {
	held, err := a.q.lanes.holds(ctx, turn{lane: e.lane(), job: e.ID, fence: e.fence})
	if err != nil || held {
		return false, err
	}
	// Only now, and only if it runs in that turn still: a turn ends in the record first.
	_, moved, err := a.q.records.move(ctx, e.ID, move{
		from: []State{StateRunning}, minFence: e.fence, maxFence: e.fence, to: StateWaiting, attempts: -1,
	})
	return moved, err
}
