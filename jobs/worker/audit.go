package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

const (
	auditPage = 500
	auditAge  = time.Minute // younger jobs may still be entering their lane
)

// audit finds non-final jobs that are in no lane and puts them there: their process died between writing the record
// and the lane, or Redis lost its last writes. It also ensures that the sweep knows their lanes.
func audit(ctx context.Context, e *lanes.Engine) error {
	a := auditor{e: e, lanes: make(map[string]map[string]bool)}
	for _, scope := range lanes.Scopes() {
		for _, state := range []jobs.State{jobs.StateWaiting, jobs.StateQueued, jobs.StateRunning, jobs.StatePaused, jobs.StateRetrying} {
			if err := a.index(ctx, scope.State(state)); err != nil {
				return fmt.Errorf("audit: %w", err)
			}
		}
	}
	return nil
}

// auditor caches the content of lanes.
type auditor struct {
	e     *lanes.Engine
	lanes map[string]map[string]bool
}

// index checks all jobs of an index.
func (a auditor) index(ctx context.Context, key string) error {
	ids, err := a.e.Redis.ZRange(ctx, key, 0, -1).Result() // all at once: the audit deletes from the index
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
	entries, err := a.e.Records.LoadAll(ctx, ids)
	if err != nil {
		return err
	}
	young := a.e.Now().Add(-auditAge)
	var failed error
	for i, e := range entries {
		switch {
		case e == nil:
			failed = errors.Join(failed, a.e.Records.Forget(ctx, ids[i], "", ""))
		case !e.State.Final() && e.CreatedAt.Before(young):
			failed = errors.Join(failed, a.job(ctx, e))
		}
	}
	return failed
}

func (a auditor) job(ctx context.Context, e *lanes.Entry) error {
	lane := e.Lane()
	known, ok := a.lanes[lane]
	if !ok {
		l, err := a.e.Lanes.Occupants(ctx, lane)
		if err != nil {
			return err
		}
		known = l.Members()
		a.lanes[lane] = known
		at := a.e.Now().UnixMilli()
		if err := a.e.Redis.ZAddNX(ctx, lanes.LanesKey, redis.Z{Score: float64(at), Member: lane}).Err(); err != nil {
			return fmt.Errorf("lane %s: %w", lane, err)
		}
	}
	if known[e.ID] {
		return nil
	}
	if e.State == jobs.StateRunning {
		lost, err := a.lost(ctx, e)
		if err != nil || !lost {
			return err
		}
	}
	next, err := a.e.Enter(ctx, e.Record, lanes.Rule{}) // this checks the lane again
	if err != nil {
		return err
	}
	return a.e.Dispatch(ctx, next)
}

// lost reports whether a job that seems to run has no turn. If so, it makes the job wait.
func (a auditor) lost(ctx context.Context, e *lanes.Entry) (bool, error) {
	held, err := a.e.Lanes.Holds(ctx, lanes.Turn{Lane: e.Lane(), Job: e.ID, Fence: e.Fence})
	if err != nil || held {
		return false, err
	}
	// Check only now, and only if it still runs in that turn: a turn ends in the record first.
	_, moved, err := a.e.Records.Move(ctx, e.ID, lanes.Move{
		From: []jobs.State{jobs.StateRunning}, MinFence: e.Fence, MaxFence: e.Fence, To: jobs.StateWaiting, Attempts: -1,
	})
	return moved, err
}
