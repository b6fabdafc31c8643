package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"mixduck/internal/day"
)

// Handler runs jobs of one kind. Run is called for one attempt at a time per database, possibly concurrently for
// different databases, and must tolerate repeated calls for work that is already done. It returns nil when everything
// is committed. Errors are temporary, except those from [PauseUntil] and [Permanent]. It must return soon after ctx is
// done. The [context.Cause] is then [ErrCancelled], [ErrShutdown] or [ErrLaneLost].
type Handler interface {
	Run(ctx context.Context, a *Attempt) error
}

// Attempt is one run of a job.
type Attempt struct {
	Record Record // as it was when the attempt began
	Fence  int64  // increases with each turn of the database; a writer whose fence is lower than the file's is too late

	draining <-chan struct{}

	mu       sync.Mutex // guards the fields below
	progress Progress
	reported bool // since the last write
	result   *Result
	windows  map[day.Range]bool         // reported and not replaced
	changed  map[day.Range]*WindowState // see UnwrittenWindows
	days     DayReport                  // see UnwrittenDays
}

// NewAttempt returns an attempt of a job. The caller closes draining when the worker is told to stop.
func NewAttempt(r Record, fence int64, draining <-chan struct{}) *Attempt {
	return &Attempt{Record: r, Fence: fence, draining: draining}
}

// Draining returns a channel that is closed when the worker is told to stop. A handler that can stop early and cleanly
// then returns an error that is [ErrShutdown]; at other times this error is an ordinary failure. Other handlers
// continue until their context is done.
func (a *Attempt) Draining() <-chan struct{} { return a.draining }

// Report sets the progress of the job over all its attempts. It is cheap and safe for concurrent use. The record shows
// the progress within a second.
func (a *Attempt) Report(p Progress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.progress, a.reported = p, true
}

// Progress returns the last reported progress, of this attempt or an earlier one.
func (a *Attempt) Progress() Progress {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.reported && a.progress == (Progress{}) {
		return a.Record.Progress
	}
	return a.progress
}

// SetResult sets the result of a query. The record shows it when the attempt has ended without an error.
func (a *Attempt) SetResult(r Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.result = &r
}

// Found returns the value passed to [Attempt.SetResult], or nil.
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

// ErrLaneLost is the cause of cancellation of an attempt whose job's turn is over: the queue considered the worker
// dead, or has lost the job. Another worker may be writing.
var ErrLaneLost = errors.New("the attempt has lost its lane")

// Causes of the cancellation of an attempt's context, in addition to [ErrLaneLost].
var (
	ErrCancelled = errors.New("the job was cancelled")
	ErrShutdown  = errors.New("the worker is shutting down")
)

// PauseUntil wraps err so that the job waits until t. The job gives up its lane, and the attempt does not count. The
// text of err becomes the note of the job's progress.
func PauseUntil(t time.Time, err error) error { return &pauseError{until: t, err: err} }

type pauseError struct {
	until time.Time
	err   error
}

func (e *pauseError) Error() string { return e.err.Error() }

func (e *pauseError) Unwrap() error { return e.err }

// PausedUntil returns the time in an error of [PauseUntil], and whether err is such an error.
func PausedUntil(err error) (time.Time, bool) {
	pause, ok := errors.AsType[*pauseError](err)
	if !ok {
		return time.Time{}, false
	}
	return pause.until, true
}

// Permanent marks err as an error that another attempt cannot fix. Errors without this mark are temporary.
func Permanent(err error) error { return &permanentError{err: err} }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }

func (e *permanentError) Unwrap() error { return e.err }

// IsPermanent reports whether err is an error of [Permanent].
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}
