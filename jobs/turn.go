package jobs

import (
	"context"
	"errors"
	"time"

	"mixduck/internal/fault"
)

// ErrLaneLost is the cause with which an attempt is cancelled when its job's turn is over: the queue took the worker for
// dead, or has forgotten the job. Somebody else may be writing.
var ErrLaneLost = errors.New("the attempt has lost its lane")

// errCrashed is the failure of a job whose workers kept dying.
var errCrashed = fault.New(fault.CodeFailed, "look into the worker's log for what killed it (memory, disk?), then retry the job",
	"the worker died each time it ran this job")

// A turn passes through two slots, so each step is two scripts. The record is written first and is the truth about the
// job; the lane follows. Every step may be repeated, and a sweep finishes those that were cut off in between.

// dispatch announces the turn to the workers. If its job needs none any more the lane goes on to the next.
func (q *Queue) dispatch(ctx context.Context, t turn) error {
	for t.job != "" {
		e, moved, err := q.records.move(ctx, t.job, move{
			from: []State{StateWaiting, StateQueued, StatePaused, StateRetrying, StateRunning}, to: StateQueued,
			maxFence: t.fence - 1, set: []any{"fence", t.fence, "run_at", ""},
		})
		switch {
		case err != nil:
			return err
		case e == nil || e.State.Final():
			if _, t, err = q.lanes.settle(ctx, t, exitOut, time.Time{}); err != nil {
				return err
			}
		case moved || e.State == StateQueued && e.fence == t.fence:
			return q.announce(ctx, t, e.Record)
		default: // begun already, or over
			return nil
		}
	}
	return nil
}

// begin claims the turn for an attempt of worker w and returns the job's record, now running. It returns nil if there is
// nothing to do: the turn is over, begun by another process, or its job is final.
func (q *Queue) begin(ctx context.Context, t turn, w identity) (*entry, error) {
	ok, err := q.lanes.begin(ctx, t, w)
	if err != nil || !ok {
		return nil, err
	}
	e, moved, err := q.records.move(ctx, t.job, move{
		from: []State{StateWaiting, StateQueued, StatePaused, StateRetrying}, to: StateRunning,
		maxFence: t.fence, attempts: 1, set: []any{"fence", t.fence, "worker", w.id, "run_at", ""},
	})
	switch {
	case err != nil:
		return nil, err
	case moved || e != nil && e.State == StateRunning && e.fence == t.fence: // the second: asked before, answer lost
		return e, nil
	}
	_, next, err := q.lanes.settle(ctx, t, exitOut, time.Time{})
	if err != nil {
		return nil, err
	}
	return nil, q.dispatch(ctx, next)
}

// settle ends a turn with the outcome of its attempt and starts the lane's next one. It returns [ErrLaneLost] if the turn
// was over already, and [ErrJobLost] if the job has no record any more; any other error means that it should be called again.
func (q *Queue) settle(ctx context.Context, t turn, o outcome, p Progress) error {
	m, err := o.move(t, p)
	if err != nil {
		return err
	}
	e, moved, err := q.records.move(ctx, t.job, m)
	if err != nil {
		return err
	}
	if e == nil {
		return errors.Join(ErrJobLost, q.pass(ctx, t, nil)) // should the lane know the job still, it goes on to the next
	}
	if !moved && (e.fence != t.fence || e.State != o.state) { // an equal state: settled before, answer lost
		return ErrLaneLost
	}
	if e.cancelled && !e.State.Final() { // cancelled in the moment in which the attempt ended
		if e, _, err = q.records.move(ctx, t.job, move{from: []State{e.State}, minFence: t.fence, maxFence: t.fence, to: StateCancelled}); err != nil {
			return err
		}
	}
	return q.pass(ctx, t, e)
}

// pass ends the turn in its lane in the way that the job's record asks for, and starts the next one.
func (q *Queue) pass(ctx context.Context, t turn, e *entry) error {
	to, runAt := exitFront, time.Time{}
	switch {
	case e == nil || e.State.Final():
		to = exitOut
	case e.State == StatePaused || e.State == StateRetrying:
		to, runAt = exitDelay, e.RunAt
	}
	_, next, err := q.lanes.settle(ctx, t, to, runAt)
	if err != nil {
		return err
	}
	return q.dispatch(ctx, next)
}

// rescue ends a turn whose worker is dead, or whose task is lost: the job stands first in its lane again, without losing
// an attempt. A job whose workers keep dying fails.
func (q *Queue) rescue(ctx context.Context, t turn) error {
	e, _, err := q.records.move(ctx, t.job, move{
		from: []State{StateRunning}, minFence: t.fence, maxFence: t.fence, to: StateWaiting, attempts: -1, crashes: 1,
	})
	if err != nil {
		return err
	}
	if e != nil && e.State == StateWaiting && (e.cancelled || e.crashes >= q.maxCrashes) {
		o := outcome{state: StateFailed, failure: failureOf(errCrashed, q.now())}
		if e.cancelled {
			o = outcome{state: StateCancelled}
		}
		m, err := o.move(t, e.Progress)
		if err != nil {
			return err
		}
		m.from = []State{StateWaiting}
		if e, _, err = q.records.move(ctx, t.job, m); err != nil {
			return err
		}
	}
	return q.pass(ctx, t, e)
}
