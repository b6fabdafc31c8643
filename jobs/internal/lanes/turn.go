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

// Check writes the progress of a running attempt, if any, and reports whether its job was cancelled or its turn is
// over. Windows completed since before, the progress at the start of the attempt, prove that the job does not kill its
// workers.
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

// A turn touches two slots, so each step consists of two scripts. The record is written first and is authoritative for
// the job; the lane follows. Every step can be repeated, and a sweep completes those that were interrupted between the
// two.

// Dispatch announces the turn to the workers. If its job needs no turn any more, the lane goes on to the next job.
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
		default: // already begun, or over
			return nil
		}
	}
	return nil
}

// Begin claims the turn for an attempt of worker w and returns the job's record, which is now running. It returns nil
// if there is nothing to do: the turn is over or begun by another process, or its job is final.
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
	case moved || e != nil && e.State == jobs.StateRunning && e.Fence == t.Fence: // the latter: repeated after a lost answer
		return e, nil
	}
	_, next, err := en.Lanes.Settle(ctx, t, ExitOut, time.Time{})
	if err != nil {
		return nil, err
	}
	return nil, en.Dispatch(ctx, next)
}

// Settle ends a turn with the outcome of its attempt and starts the lane's next one. It returns [ErrLaneLost] if the
// turn was already over, and [ErrJobLost] if the job has no record any more. After any other error, call it again.
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
		return errors.Join(jobs.ErrJobLost, en.Pass(ctx, t, nil)) // if the lane still knows the job, it goes on to the next
	}
	if !moved && (e.Fence != t.Fence || e.State != o.State) { // equal states: already settled, the answer was lost
		return jobs.ErrLaneLost
	}
	if e.Cancelled && !e.State.Final() { // cancelled just as the attempt ended
		if e, _, err = en.Records.Move(ctx, t.Job, Move{From: []jobs.State{e.State}, MinFence: t.Fence, MaxFence: t.Fence, To: jobs.StateCancelled}); err != nil {
			return err
		}
	}
	return en.Pass(ctx, t, e)
}

// Pass ends the turn in its lane as the job's record requires, and starts the next one.
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

// Rescue ends a turn whose worker is dead or whose task is lost. The job is first in its lane again and does not lose
// an attempt. A job whose workers keep dying fails.
func (en *Engine) Rescue(ctx context.Context, t Turn) error {
	return en.takeOver(ctx, t, 1, jobs.AttemptCrashed)
}

// Relieve is Rescue for a turn whose worker lives but does not continue it. That is not the job's fault.
func (en *Engine) Relieve(ctx context.Context, t Turn) error {
	return en.takeOver(ctx, t, 0, jobs.AttemptStalled)
}

func (en *Engine) takeOver(ctx context.Context, t Turn, crashes int, how jobs.AttemptOutcome) error {
	e, _, err := en.Records.Move(ctx, t.Job, Move{
		From: []jobs.State{jobs.StateRunning}, MinFence: t.Fence, MaxFence: t.Fence, To: jobs.StateWaiting, Attempts: -1, crashes: crashes,
		Ended: Ended{Outcome: how},
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
