package lanes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
)

// Check writes the progress of a running attempt, if there is any, and reports whether its job was cancelled or its turn
// is over. Windows done since the start of the attempt, where the progress was before, prove that the job does not kill
// its workers.
func (en *Engine) Check(ctx context.Context, t Turn, before jobs.Progress, p *jobs.Progress) (cancelled, lost bool, err error) {
	ctx, stop := context.WithTimeout(ctx, CallTimeout)
	defer stop()
	held, err := en.Lanes.Holds(ctx, t)
	if err != nil || !held {
		return false, err == nil, err
	}
	m := Move{From: []jobs.State{jobs.StateRunning}, MinFence: t.Fence, MaxFence: t.Fence, To: jobs.StateRunning}
	if p != nil {
		progress, err := json.Marshal(p)
		if err != nil {
			return false, false, fmt.Errorf("encode the progress: %w", err)
		}
		m.Set = []any{"progress", progress}
		if p.WindowsDone > before.WindowsDone {
			m.Set = append(m.Set, "crashes", 0)
		}
	}
	e, moved, err := en.Records.Move(ctx, t.Job, m)
	if err != nil {
		return false, false, err
	}
	return moved && e.Cancelled, !moved, nil
}

// errCrashed is the failure of a job whose workers kept dying.
var errCrashed = fault.New(fault.CodeFailed, "look into the worker's log for what killed it (memory, disk?), then retry the job",
	"the worker died each time it ran this job")

// A turn passes through two slots, so each step is two scripts. The record is written first and is the truth about the
// job; the lane follows. Every step may be repeated, and a sweep finishes those that were cut off in between.

// Dispatch announces the turn to the workers. If its job needs none any more the lane goes on to the next.
func (en *Engine) Dispatch(ctx context.Context, t Turn) error {
	for t.Job != "" {
		e, moved, err := en.Records.Move(ctx, t.Job, Move{
			From: []jobs.State{jobs.StateWaiting, jobs.StateQueued, jobs.StatePaused, jobs.StateRetrying, jobs.StateRunning}, To: jobs.StateQueued,
			MaxFence: t.Fence - 1, Set: []any{"fence", t.Fence, "run_at", ""},
		})
		switch {
		case err != nil:
			return err
		case e == nil || e.State.Final():
			if _, t, err = en.Lanes.Settle(ctx, t, ExitOut, time.Time{}); err != nil {
				return err
			}
		case moved || e.State == jobs.StateQueued && e.Fence == t.Fence:
			return en.announce(ctx, t, e.Record)
		default: // begun already, or over
			return nil
		}
	}
	return nil
}

// Begin claims the turn for an attempt of worker w and returns the job's record, now running. It returns nil if there is
// nothing to do: the turn is over, begun by another process, or its job is final.
func (en *Engine) Begin(ctx context.Context, t Turn, w Identity) (*Entry, error) {
	ok, err := en.Lanes.begin(ctx, t, w)
	if err != nil || !ok {
		return nil, err
	}
	e, moved, err := en.Records.Move(ctx, t.Job, Move{
		From: []jobs.State{jobs.StateWaiting, jobs.StateQueued, jobs.StatePaused, jobs.StateRetrying}, To: jobs.StateRunning,
		MaxFence: t.Fence, Attempts: 1, Set: []any{"fence", t.Fence, "worker", w.ID, "run_at", ""},
	})
	switch {
	case err != nil:
		return nil, err
	case moved || e != nil && e.State == jobs.StateRunning && e.Fence == t.Fence: // the second: asked before, answer lost
		return e, nil
	}
	_, next, err := en.Lanes.Settle(ctx, t, ExitOut, time.Time{})
	if err != nil {
		return nil, err
	}
	return nil, en.Dispatch(ctx, next)
}

// Settle ends a turn with the outcome of its attempt and starts the lane's next one. It returns [ErrLaneLost] if the turn
// was over already, and [ErrJobLost] if the job has no record any more; any other error means that it should be called again.
func (en *Engine) Settle(ctx context.Context, t Turn, o Outcome, p jobs.Progress) error {
	m, err := o.Move(t, p)
	if err != nil {
		return err
	}
	e, moved, err := en.Records.Move(ctx, t.Job, m)
	if err != nil {
		return err
	}
	if e == nil {
		return errors.Join(jobs.ErrJobLost, en.Pass(ctx, t, nil)) // should the lane know the job still, it goes on to the next
	}
	if !moved && (e.Fence != t.Fence || e.State != o.State) { // an equal state: settled before, answer lost
		return jobs.ErrLaneLost
	}
	if e.Cancelled && !e.State.Final() { // cancelled in the moment in which the attempt ended
		if e, _, err = en.Records.Move(ctx, t.Job, Move{From: []jobs.State{e.State}, MinFence: t.Fence, MaxFence: t.Fence, To: jobs.StateCancelled}); err != nil {
			return err
		}
	}
	return en.Pass(ctx, t, e)
}

// Pass ends the turn in its lane in the way that the job's record asks for, and starts the next one.
func (en *Engine) Pass(ctx context.Context, t Turn, e *Entry) error {
	to, runAt := ExitFront, time.Time{}
	switch {
	case e == nil || e.State.Final():
		to = ExitOut
	case e.State == jobs.StatePaused || e.State == jobs.StateRetrying:
		to, runAt = ExitDelay, e.RunAt
	}
	_, next, err := en.Lanes.Settle(ctx, t, to, runAt)
	if err != nil {
		return err
	}
	return en.Dispatch(ctx, next)
}

// Rescue ends a turn whose worker is dead, or whose task is lost: the job stands first in its lane again, without losing
// an attempt. A job whose workers keep dying fails.
func (en *Engine) Rescue(ctx context.Context, t Turn) error {
	e, _, err := en.Records.Move(ctx, t.Job, Move{
		From: []jobs.State{jobs.StateRunning}, MinFence: t.Fence, MaxFence: t.Fence, To: jobs.StateWaiting, Attempts: -1, crashes: 1,
	})
	if err != nil {
		return err
	}
	if e != nil && e.State == jobs.StateWaiting && (e.Cancelled || e.Crashes >= en.maxCrashes) {
		o := Outcome{State: jobs.StateFailed, Failure: jobs.FailureOf(errCrashed, en.Now())}
		if e.Cancelled {
			o = Outcome{State: jobs.StateCancelled}
		}
		m, err := o.Move(t, e.Progress)
		if err != nil {
			return err
		}
		m.From = []jobs.State{jobs.StateWaiting}
		if e, _, err = en.Records.Move(ctx, t.Job, m); err != nil {
			return err
		}
	}
	return en.Pass(ctx, t, e)
}
