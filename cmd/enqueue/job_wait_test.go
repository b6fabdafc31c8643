package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/cmd/internal/console"
	"mixduck/internal/cli"
	"mixduck/internal/fault"
	"mixduck/jobs"
)

// script is a watcher that shows records at given times.
type script []struct {
	after time.Duration
	job   jobs.Record
}

func (s script) Watch(ctx context.Context, _ string, fn func(jobs.Record)) error {
	for _, step := range s {
		select {
		case <-time.After(step.after):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		fn(step.job)
	}
	return nil
}

func TestLinesOnStderr(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // its clock begins at 2000-01-01 00:00:00 UTC
		job := running()
		job.StartedAt, job.AttemptAt = time.Now(), time.Now()
		more := job
		more.Progress.WindowsDone = 13
		done := job
		done.State, done.Progress.WindowsDone, done.FinishedAt = jobs.StateDone, 29, time.Now().Add(142*time.Second)
		queued := job
		queued.State, queued.Progress = jobs.StateQueued, jobs.Progress{}
		var out, errs strings.Builder
		a := &app{&console.App{Process: &cli.Process{Stdout: &out, Stderr: &errs}, Now: func() time.Time { return time.Now().UTC() }}}
		watch := script{{500 * time.Millisecond, job}, {1500 * time.Millisecond, more}, {140 * time.Second, done}}
		if err := a.await(t.Context(), watch, queued, &waitOptions{format: &console.Choice{Value: console.FormatText}}); err != nil {
			t.Fatal(err)
		}
		const lines = `
00:00:00 queued for the next free worker
00:00:00 running, 12/29 windows, 1,234,567 rows, 84.1 MB, 2 retries, ETA 0.7s
00:01:01 running, 13/29 windows, 1,234,567 rows, 84.1 MB, 2 retries, ETA 1m15s
00:02:01 running, 13/29 windows, 1,234,567 rows, 84.1 MB, 2 retries, ETA 2m29s
`
		if diff := cmp.Diff(lines[1:], errs.String()); diff != "" {
			t.Errorf("stderr (-want +got):\n%s", diff)
		}
		const result = "done: 1,234,567 rows, 0 duplicates, 0 quarantined, 29 windows, 84.1 MB in 2m22s (8,694 rows/s)\n"
		if diff := cmp.Diff(result, out.String()); diff != "" {
			t.Errorf("stdout (-want +got):\n%s", diff)
		}
	})
}

func TestStatusBar(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	width := 31
	bar := &statusBar{w: &out, width: func() int { return width }}
	bar.show(running(), noon)
	bar.show(running(), noon) // nothing has changed
	width = 21
	bar.show(running(), noon)
	bar.clear()
	bar.clear()
	const want = "\r\x1b[Krunning, 12/29 windows, 1,234…\r\x1b[Krunning, 12/29 wind…\r\x1b[K"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("status bar (-want +got):\n%s", diff)
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	lost := errors.New("the queue has gone")
	tests := []struct {
		name    string
		watch   watcher
		stop    time.Duration // of the context
		timeout time.Duration
		code    int
		want    string
	}{
		{"an interrupt leaves the job alone", script{{time.Hour, running()}}, time.Minute, 0, 130, "interrupted; job 01KAMG2M7E6Y4T0Q0N8Z5R3V9C continues"},
		{"an interrupt beats a timeout", script{{time.Hour, running()}}, time.Minute, 2 * time.Minute, 130, "interrupted"},
		{"a timeout leaves the job alone", script{{time.Hour, running()}}, time.Hour, time.Minute, 6, "is still running after 1m0s; it continues"},
		{"a queue that goes away is an error", broken{lost}, time.Hour, time.Minute, 1, "the queue has gone"},
		{"a cancelled job is an error", script{{0, inState(jobs.StateCancelled, nil)}}, time.Hour, 0, 1, "was cancelled"},
		{"a failure without a reason is one", script{{0, inState(jobs.StateFailed, nil)}}, time.Hour, 0, 1, "failed"},
		{"a failure has its own code", script{{0, inState(jobs.StateFailed, func(r *jobs.Record) {
			r.Failure = &jobs.Failure{Code: fault.CodeRateLimited, Message: "quota"}
		})}}, time.Hour, 0, 5, "failed: quota"},
	}
	for _, tt := range tests {
		for _, format := range []string{console.FormatText, console.FormatJSON} {
			t.Run(tt.name+" as "+format, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), tt.stop)
					defer cancel()
					var out, errs strings.Builder
					a := &app{&console.App{Process: &cli.Process{Stdout: &out, Stderr: &errs}, Now: time.Now}}
					err := a.await(ctx, tt.watch, running(), &waitOptions{timeout: tt.timeout, quiet: true, format: &console.Choice{Value: format}})
					if err == nil || !strings.Contains(err.Error(), tt.want) || fault.CodeOf(err).Exit() != tt.code {
						t.Errorf("await() = %v with exit code %d, want %q with %d", err, fault.CodeOf(err).Exit(), tt.want, tt.code)
					}
					if want := map[string]int{console.FormatText: 0, console.FormatJSON: 1}[format]; strings.Count(out.String(), "\n") != want {
						t.Errorf("stdout = %q, want %d lines", out.String(), want)
					}
				})
			})
		}
	}
}

type broken struct{ err error }

func (b broken) Watch(context.Context, string, func(jobs.Record)) error { return b.err }
