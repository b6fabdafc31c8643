package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Causes with which the context of an attempt is cancelled, beside [ErrLaneLost].
var (
	ErrCancelled = errors.New("the job was cancelled")
	ErrShutdown  = errors.New("the worker is shutting down")
)

// PauseUntil makes err say that the job has to wait until t: it gives its lane up, and costs no attempt. The text of err
// becomes the note of the job's progress.
func PauseUntil(t time.Time, err error) error { return &pauseError{until: t, err: err} }

type pauseError struct {
	until time.Time
	err   error
}

func (e *pauseError) Error() string { return e.err.Error() }
func (e *pauseError) Unwrap() error { return e.err }

// Permanent makes err one that another attempt cannot cure. Errors that are not marked are temporary.
func Permanent(err error) error { return &permanentError{err: err} }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Backoff is how long a job waits after a failed attempt: Base, doubled with each attempt up to Cap, of which a random
// part of up to half is taken off.
type Backoff struct {
	Base time.Duration // 0 means 5 s
	Cap  time.Duration // 0 means 10 min
}

const (
	defaultBackoffBase = 5 * time.Second
	defaultBackoffCap  = 10 * time.Minute
)

// after returns the time to wait after the failed attempt of that number, counted from 1.
func (b Backoff) after(attempt int) time.Duration {
	d := b.Base
	for range attempt - 1 {
		if d >= b.Cap/2 {
			d = b.Cap
			break
		}
		d *= 2
	}
	d = min(d, b.Cap)
	return d - rand.N(d/2+1)
}

// shortestPause keeps a job whose time has come already from going round and round.
const shortestPause = time.Second

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// outcome is what becomes of a job when an attempt has ended.
type outcome struct {
	state   State
	runAt   time.Time // paused and retrying
	failure *Failure  // failed and retrying
	result  *Result   // done
	note    string    // paused
	refund  bool      // the attempt does not count
}

// decide is the one place that says whether to retry, pause or give up. The cause is that of the attempt's context, nil
// if it was not cancelled. It returns false if the turn is over: then there is nothing to settle.
func decide(err, cause error, attempt, maxAttempts int, b Backoff, now time.Time) (outcome, bool) {
	if err == nil {
		return outcome{state: StateDone}, true
	}
	switch {
	case errors.Is(cause, ErrLaneLost):
		return outcome{}, false
	case errors.Is(cause, ErrCancelled):
		return outcome{state: StateCancelled}, true
	case errors.Is(cause, ErrShutdown):
		return outcome{state: StateWaiting, refund: true}, true
	}
	if pause, ok := errors.AsType[*pauseError](err); ok {
		return outcome{state: StatePaused, runAt: later(pause.until, now.Add(shortestPause)), note: oneLine(err.Error()), refund: true}, true
	}
	_, permanent := errors.AsType[*permanentError](err)
	failure := failureOf(err, now)
	if permanent || attempt >= maxAttempts {
		return outcome{state: StateFailed, failure: failure}, true
	}
	return outcome{state: StateRetrying, runAt: now.Add(b.after(attempt)), failure: failure}, true
}

// move returns the change of the record of t's job that goes with o. It applies only while the turn's attempt runs, and
// forgets earlier crashes, as this attempt ended in order.
func (o outcome) move(t turn, p Progress) (move, error) {
	p.Note = o.note
	progress, err := json.Marshal(p)
	if err != nil {
		return move{}, fmt.Errorf("encode the progress: %w", err)
	}
	m := move{
		from: []State{StateRunning}, minFence: t.fence, maxFence: t.fence, to: o.state,
		set: []any{"progress", progress, "crashes", 0, "run_at", millis(o.runAt)},
	}
	if o.refund {
		m.attempts = -1
	}
	if o.result != nil {
		result, err := json.Marshal(o.result)
		if err != nil {
			return move{}, fmt.Errorf("encode the result: %w", err)
		}
		m.set = append(m.set, "result", result)
	}
	if o.failure != nil {
		failure, err := json.Marshal(o.failure)
		if err != nil {
			return move{}, fmt.Errorf("encode the failure: %w", err)
		}
		m.set = append(m.set, "failure", failure)
	}
	return m, nil
}
