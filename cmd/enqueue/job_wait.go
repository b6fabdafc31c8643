package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/status"
)

// watcher is the part of a [queue.Queue] that waiting uses.
type watcher interface {
	Watch(ctx context.Context, id string, fn func(jobs.Record)) error
}

// await waits for the end of the job, shows its state on stderr, and prints the result. The error says how the job
// ended, or that the wait was interrupted or timed out.
func (a *app) await(ctx context.Context, q watcher, job jobs.Record, how *waitOptions) error {
	waiting, cancel := ctx, context.CancelFunc(func() {})
	if how.timeout > 0 {
		if how.until.IsZero() {
			how.until = time.Now().Add(how.timeout)
		}
		waiting, cancel = context.WithDeadline(ctx, how.until)
	}
	defer cancel()
	var err error
	if !job.State.Final() {
		display := a.newDisplay(how.quiet)
		job, err = follow(waiting, q, job, display, a.Now)
		display.clear()
	}
	switch {
	case err == nil:
		err = connect.Outcome(job, how.self)
	case ctx.Err() != nil:
		err = fault.New(fault.CodeInterrupted, how.goesOnHint(job.ID), "interrupted; job %s continues", job.ID)
	case waiting.Err() != nil:
		err = fault.New(fault.CodeWaitTimeout, how.goesOnHint(job.ID), "job %s is still %s after %s; it continues", job.ID, job.State, how.timeout)
	}
	var printed error
	switch {
	case how.format.Value == console.FormatJSON:
		printed = a.PrintJSON(newObject(job, a.Now()))
	case err == nil:
		result := status.Summary(job)
		if how.several {
			result = "job " + job.ID + ": " + result
		}
		printed = a.PrintLine(result)
		a.Warn(job.Progress.Warnings)
	}
	return errors.Join(err, printed)
}

func (o *waitOptions) goesOnHint(id string) string {
	return fmt.Sprintf("%s jobs wait %s to see it, or %s jobs cancel %s to end it", o.self, id, o.self, id)
}

// redrawEvery is how often the display is updated even if the job does not change.
const redrawEvery = time.Second

// follow displays the job until it is final or ctx is done, and returns its last known record.
func follow(ctx context.Context, q watcher, job jobs.Record, d display, now func() time.Time) (jobs.Record, error) {
	changes := make(chan jobs.Record)
	var watchErr error // written before changes is closed
	go func() {
		defer close(changes)
		watchErr = q.Watch(ctx, job.ID, func(r jobs.Record) { changes <- r })
	}()
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	d.show(job, now())
	for {
		select {
		case r, ok := <-changes:
			if !ok {
				return job, watchErr
			}
			job = r
		case <-tick.C:
		}
		d.show(job, now())
	}
}
