package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"mixduck/internal/fault"
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

func (a *Attempt) found() *Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.result
}

// unwritten returns the progress if it was reported since the last call.
func (a *Attempt) unwritten() *Progress {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.reported {
		return nil
	}
	a.reported = false
	p := a.progress
	return &p
}

// How often an attempt looks whether it was cancelled, and at most writes its progress. Somebody waits for a query.
const (
	watchEvery     = 500 * time.Millisecond
	watchReadEvery = 100 * time.Millisecond
)

// attempt runs the handler for a turn that has begun and returns how it ended, and the cause of its context.
func (w *Worker) attempt(base context.Context, t turn, a *Attempt, log *slog.Logger) (err, cause error) {
	ctx, cancel := context.WithCancelCause(base)
	defer cancel(nil)
	handler := w.handlers[a.Record.Kind]
	if handler == nil {
		return Permanent(fault.New(fault.CodeFailed, "run the same version of worker and enqueue, then retry the job",
			"this worker knows no jobs of kind %q", a.Record.Kind)), nil
	}
	if err := a.Record.validate(); err != nil {
		return Permanent(err), nil
	}
	var watching sync.WaitGroup
	done := make(chan struct{})
	watching.Go(func() { w.watch(ctx, done, t, a, cancel, log) })
	err = protect(ctx, handler, a, log)
	cause = context.Cause(ctx)
	close(done)
	watching.Wait()
	return err, cause
}

// protect turns a panic of the handler into an error. Its stack goes to the log, not into the record.
func protect(ctx context.Context, h Handler, a *Attempt, log *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("handler panicked", slog.Any("err", p), slog.String("stack", string(debug.Stack())))
			err = fault.New(fault.CodeFailed, "this is a bug; the worker's log has the stack", "the handler panicked: %v", p)
		}
	}()
	return h.Run(ctx, a)
}

// watch writes progress and cancels the attempt when a person asks for it or the turn is over, until done is closed.
// While Redis cannot be reached the attempt goes on: the fence keeps it from doing harm.
func (w *Worker) watch(ctx context.Context, done <-chan struct{}, t turn, a *Attempt, cancel context.CancelCauseFunc, log *slog.Logger) {
	ctx = context.WithoutCancel(ctx)
	every := watchEvery
	if !a.Record.Kind.writes() {
		every = watchReadEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var pending *Progress
	var asker attendance
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		if p := a.unwritten(); p != nil {
			pending = p
		}
		cancelled, lost, err := w.q.check(ctx, t, a.Record.Progress, pending)
		if err == nil && a.Record.Query.Attended && !cancelled {
			cancelled, err = asker.forsaken(ctx, w.q, t.job)
		}
		switch {
		case err != nil:
			w.troubled(log, err)
		case lost:
			cancel(ErrLaneLost)
			return
		default:
			pending = nil
			if cancelled {
				cancel(ErrCancelled)
			}
		}
	}
}

// check writes the progress of a running attempt, if there is any, and reports whether its job was cancelled or its turn
// is over. Windows done since the start of the attempt, where the progress was before, prove that the job does not kill
// its workers.
func (q *Queue) check(ctx context.Context, t turn, before Progress, p *Progress) (cancelled, lost bool, err error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	held, err := q.lanes.holds(ctx, t)
	if err != nil || !held {
		return false, err == nil, err
	}
	m := move{from: []State{StateRunning}, minFence: t.fence, maxFence: t.fence, to: StateRunning}
	if p != nil {
		progress, err := json.Marshal(p)
		if err != nil {
			return false, false, fmt.Errorf("encode the progress: %w", err)
		}
		m.set = []any{"progress", progress}
		if p.WindowsDone > before.WindowsDone {
			m.set = append(m.set, "crashes", 0)
		}
	}
	e, moved, err := q.records.move(ctx, t.job, m)
	if err != nil {
		return false, false, err
	}
	return moved && e.cancelled, !moved, nil
}
