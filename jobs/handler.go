package jobs

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Handler does the work of one kind. Run is called for one attempt at a time of each database, may be called at once for
// different databases, and must bear being called again for what was done already. It returns nil when everything is
// committed; [PauseUntil] and [Permanent] say more than other errors, which are temporary. It must return soon after ctx
// is done, of which [context.Cause] is [ErrCancelled], [ErrShutdown] or [ErrLaneLost].
type Handler interface {
	Run(ctx context.Context, a *Attempt) error
}

// Attempt is one run of a job.
type Attempt struct {
	Record Record // as it was when the attempt began
	Fence  int64  // grows with each turn of the database: whoever writes under a lower one than the file has seen is late

	draining <-chan struct{}

	mu       sync.Mutex // guards the rest
	progress Progress
	reported bool // since it was written last
	result   *Result
}

// NewAttempt returns an attempt of a job; draining is closed when the worker has been told to stop.
func NewAttempt(r Record, fence int64, draining <-chan struct{}) *Attempt {
	return &Attempt{Record: r, Fence: fence, draining: draining}
}

// Draining returns a channel that is closed when the worker has been told to stop. A handler that can end early and
// orderly does so then, with an error that is [ErrShutdown], which at other times is a failure like any; others go on until
// their context is done.
func (a *Attempt) Draining() <-chan struct{} { return a.draining }

// Report says how far the job has come, over all of its attempts. It is cheap and safe for concurrent use; the record
// shows it within a second.
func (a *Attempt) Report(p Progress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.progress, a.reported = p, true
}

// Progress returns what was reported last, by this attempt or those before.
func (a *Attempt) Progress() Progress {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.reported && a.progress == (Progress{}) {
		return a.Record.Progress
	}
	return a.progress
}

// SetResult says what a query has found. The record shows it when the attempt has ended without an error.
func (a *Attempt) SetResult(r Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.result = &r
}

// Found returns what [Attempt.SetResult] was told, nil for nothing.
func (a *Attempt) Found() *Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.result
}

// Unwritten returns the progress if it was reported since the last call.
func (a *Attempt) Unwritten() *Progress {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.reported {
		return nil
	}
	a.reported = false
	p := a.progress
	return &p
}

// ErrLaneLost is the cause with which an attempt is cancelled when its job's turn is over: the queue took the worker for
// dead, or has forgotten the job. Somebody else may be writing.
var ErrLaneLost = errors.New("the attempt has lost its lane")

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

// PausedUntil returns the time that an error of [PauseUntil] carries, and whether err is one.
func PausedUntil(err error) (time.Time, bool) {
	pause, ok := errors.AsType[*pauseError](err)
	if !ok {
		return time.Time{}, false
	}
	return pause.until, true
}

// Permanent makes err one that another attempt cannot cure. Errors that are not marked are temporary.
func Permanent(err error) error { return &permanentError{err: err} }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }

func (e *permanentError) Unwrap() error { return e.err }

// IsPermanent reports whether err is an error of [Permanent].
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}
