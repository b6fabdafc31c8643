package worker

import (
	"errors"
	"math/rand/v2"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// Backoff is the delay after a failed attempt: Base, doubled with each attempt up to Cap, minus a random part of up to
// half.
type Backoff struct {
	Base time.Duration // 0 means 5 s
	Cap  time.Duration // 0 means 10 min
}

const (
	defaultBackoffBase = 5 * time.Second
	defaultBackoffCap  = 10 * time.Minute
)

// after returns the delay after failed attempt number attempt, counted from 1.
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

// shortestPause prevents a busy loop when the time of a pause has already passed.
const shortestPause = time.Second

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// decide is the only place that chooses between retry, pause and giving up. The cause is that of the attempt's
// context, nil if it was not cancelled. It returns false if the turn is over: then there is nothing to settle.
func decide(err, cause error, attempt, maxAttempts int, b Backoff, now time.Time) (lanes.Outcome, bool) {
	if err == nil {
		return lanes.Outcome{State: jobs.StateDone}, true
	}
	switch {
	case errors.Is(cause, jobs.ErrLaneLost):
		return lanes.Outcome{}, false
	case errors.Is(cause, jobs.ErrCancelled):
		return lanes.Outcome{State: jobs.StateCancelled}, true
	case errors.Is(cause, jobs.ErrShutdown):
		return lanes.Outcome{State: jobs.StateWaiting, Refund: true}, true
	}
	if until, ok := jobs.PausedUntil(err); ok {
		return lanes.Outcome{State: jobs.StatePaused, RunAt: later(until, now.Add(shortestPause)), Note: jobs.OneLine(err.Error()), Refund: true}, true
	}
	failure := jobs.FailureOf(err, now)
	if jobs.IsPermanent(err) || attempt >= maxAttempts {
		return lanes.Outcome{State: jobs.StateFailed, Failure: failure}, true
	}
	return lanes.Outcome{State: jobs.StateRetrying, RunAt: now.Add(b.after(attempt)), Failure: failure}, true
}
