package worker

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// How often an attempt checks whether it was cancelled, which is also how often it writes its progress at most. A
// person waits for a query.
const (
	watchEvery     = 500 * time.Millisecond
	watchReadEvery = 100 * time.Millisecond
)

// attempt runs the handler for a turn that has begun. It returns how it ended, and the cause of its context.
func (w *Worker) attempt(base context.Context, t lanes.Turn, a *jobs.Attempt, log *slog.Logger) (err, cause error) {
	ctx, cancel := context.WithCancelCause(base)
	defer cancel(nil)
	handler := w.handlers[a.Record.Work()]
	if handler == nil {
		return jobs.Permanent(fault.New(fault.CodeFailed, "run the same version of worker and enqueue, then retry the job",
			"this worker knows no jobs of kind %q", a.Record.Work())), nil
	}
	if err := a.Record.Validate(); err != nil {
		return jobs.Permanent(err), nil
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

// protect turns a panic of the handler into an error. The stack goes to the log, not into the record.
func protect(ctx context.Context, h jobs.Handler, a *jobs.Attempt, log *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("handler panicked", slog.Any("err", p), slog.String("stack", string(debug.Stack())))
			err = fault.New(fault.CodeFailed, "this is a bug; the worker's log has the stack", "the handler panicked: %v", p)
		}
	}()
	return h.Run(ctx, a)
}

// watch writes progress until done is closed. It cancels the attempt when a person requests that or the turn is over.
// While Redis is unreachable the attempt goes on; the fence prevents damage.
func (w *Worker) watch(ctx context.Context, done <-chan struct{}, t lanes.Turn, a *jobs.Attempt, cancel context.CancelCauseFunc, log *slog.Logger) {
	ctx = context.WithoutCancel(ctx)
	every := watchEvery
	if !a.Record.Kind.Writes() {
		every = watchReadEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var pending *jobs.Progress
	var asker attendance
	var told telling
	for {
		select {
		case <-done:
			last, stop := context.WithTimeout(ctx, lastWrite)
			if err := told.write(last, w.e, t, a); err != nil {
				w.troubled(log, err)
			}
			stop()
			return
		case <-tick.C:
		}
		if p := a.Unwritten(); p != nil {
			pending = p
		}
		cancelled, lost, err := w.e.Check(ctx, t, a.Record.Progress, pending)
		if err == nil && !lost {
			err = told.write(ctx, w.e, t, a)
		}
		if err == nil && a.Record.Query.Attended && !cancelled {
			cancelled, err = asker.forsaken(ctx, w.e, t.Job)
		}
		switch {
		case err != nil:
			w.troubled(log, err)
		case lost:
			cancel(jobs.ErrLaneLost)
			return
		default:
			pending = nil
			if cancelled {
				cancel(jobs.ErrCancelled)
			}
		}
	}
}
