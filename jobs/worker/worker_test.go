package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/worker"
)

func TestLanesAreFirstInFirstOutAndRunBesideEachOther(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		const lanes, each = 4, 8
		var ids []string
		for i := range each {
			for lane := range lanes {
				ids = append(ids, jobstest.Submit(t, t.Q, strconv.Itoa(lane), fmt.Sprintf("t%d", i)).ID)
			}
		}
		var mu sync.Mutex
		running, most := map[string]bool{}, 0
		order := map[string][]string{}
		h := func(_ context.Context, a *jobs.Attempt) error {
			db := a.Record.Fetch.Database
			mu.Lock()
			if running[db] {
				t.Errorf("two jobs of %s at once", db)
			}
			running[db] = true
			most = max(most, len(running))
			order[db] = append(order[db], a.Record.Fetch.Table)
			mu.Unlock()
			<-time.After(5 * time.Millisecond)
			mu.Lock()
			delete(running, db)
			mu.Unlock()
			return nil
		}
		jobstest.StartWorker(t, t.Q, worker.Config{ID: "a"}, h)
		jobstest.StartWorker(t, t.Q, worker.Config{ID: "b"}, h)
		for _, id := range ids {
			jobstest.AwaitState(t, t.Q, id, jobs.StateDone)
		}
		want := []string{"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"}
		for db, got := range order {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("order of %s (-want +got):\n%s", db, diff)
			}
		}
		if len(order) != lanes || most < 2 {
			t.Errorf("%d lanes ran, at most %d at once; want %d lanes beside each other", len(order), most, lanes)
		}
	})
}

func TestPositionsCountTheJobsBefore(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		first, second, third := jobstest.Submit(t, t.Q, "x", "a"), jobstest.Submit(t, t.Q, "x", "b"), jobstest.Submit(t, t.Q, "x", "c")
		got := []any{first.State, first.Position, second.State, second.Position, second.Behind, third.State, third.Position, third.Behind}
		want := []any{jobs.StateQueued, 0, jobs.StateWaiting, 1, first.ID, jobs.StateWaiting, 2, second.ID}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("states and positions (-want +got):\n%s", diff)
		}
	})
}

func TestRetryStandsFirst(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		a, _, c := jobstest.Submit(t, t.Q, "x", "a"), jobstest.Submit(t, t.Q, "x", "b"), jobstest.Submit(t, t.Q, "x", "c")
		var j jobstest.Journal
		release := make(chan struct{})
		jobstest.StartWorker(t, t.Q, worker.Config{Backoff: worker.Backoff{Base: time.Second}}, func(_ context.Context, at *jobs.Attempt) error {
			j.Add("%s%d", at.Record.Fetch.Table, at.Record.Attempt)
			switch at.Record.Fetch.Table {
			case "a":
				if at.Record.Attempt == 1 {
					return fault.New(fault.CodeRateLimited, "wait", "too\nsoon")
				}
			case "b":
				<-release
			}
			return nil
		})
		r := jobstest.AwaitState(t, t.Q, a.ID, jobs.StateRetrying)
		want := &jobs.Failure{Code: fault.CodeRateLimited, Message: "too\nsoon", Hint: "wait", At: r.Failure.At}
		if diff := cmp.Diff(want, r.Failure); diff != "" {
			t.Errorf("failure (-want +got):\n%s", diff)
		}
		jobstest.Eventually(t, "the retry is due", func() bool { return time.Now().After(r.RunAt) })
		close(release)
		jobstest.AwaitState(t, t.Q, c.ID, jobs.StateDone)
		if diff := cmp.Diff([]string{"a1", "b1", "a2", "c1"}, j.All()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestPauseGivesTheLaneUpAndCostsNoAttempt(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		a, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: jobstest.Fetch("x", "a"), MaxAttempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		b := jobstest.Submit(t, t.Q, "x", "b")
		var j jobstest.Journal
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(_ context.Context, at *jobs.Attempt) error {
			j.Add("%s%d", at.Record.Fetch.Table, at.Record.Attempt)
			if at.Record.Fetch.Table == "a" && len(j.All()) < 4 {
				at.Report(jobs.Progress{WindowsDone: 7})
				return fmt.Errorf("window 8: %w", jobs.PauseUntil(time.Now().Add(time.Second), errors.New("budget is spent")))
			}
			return nil
		})
		paused := jobstest.AwaitState(t, t.Q, a.ID, jobs.StatePaused)
		if paused.Attempt != 0 || paused.RunAt.IsZero() || paused.Progress.WindowsDone != 7 || !strings.Contains(paused.Progress.Note, "budget") {
			t.Errorf("paused record = %+v, want no attempt, a time, its progress and a note", paused)
		}
		jobstest.AwaitState(t, t.Q, b.ID, jobs.StateDone)
		done := jobstest.AwaitState(t, t.Q, a.ID, jobs.StateDone, jobs.StateFailed)
		if done.State != jobs.StateDone || done.Attempt != 1 || done.Progress.Note != "" {
			t.Errorf("record = %+v, want done in the first attempt, with no note", done)
		}
		if diff := cmp.Diff([]string{"a1", "b1", "a1", "a1"}, j.All()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestJobFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		run      jobstest.HandlerFunc
		attempts int
		message  string
	}{
		{"after all attempts", func(context.Context, *jobs.Attempt) error { return errors.New("no luck") }, 3, "no luck"},
		{"at once if that is permanent", func(context.Context, *jobs.Attempt) error {
			return jobs.Permanent(errors.New("never"))
		}, 1, "never"},
		{"when its handler ends as if the worker drained", func(context.Context, *jobs.Attempt) error { return jobs.ErrShutdown }, 3, jobs.ErrShutdown.Error()},
		{"when its handler panics", func(context.Context, *jobs.Attempt) error { panic("oh no") }, 3, "the handler panicked: oh no"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			jobstest.OnEach(t, func(t jobstest.Rig) {
				r, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: jobstest.Fetch("x", "a"), MaxAttempts: 3})
				if err != nil {
					t.Fatal(err)
				}
				jobstest.StartWorker(t, t.Q, worker.Config{}, tt.run)
				got := jobstest.AwaitState(t, t.Q, r.ID, jobs.StateFailed)
				if got.Attempt != tt.attempts || got.Failure.Message != tt.message || got.FinishedAt.IsZero() {
					t.Errorf("record = %+v (%+v), want %d attempts and %q", got, got.Failure, tt.attempts, tt.message)
				}
			})
		})
	}
}

func TestProgressIsSeenWhileTheJobRuns(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		r := jobstest.Submit(t, t.Q, "x", "a")
		release := make(chan struct{})
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(_ context.Context, a *jobs.Attempt) error {
			a.Report(jobs.Progress{WindowsDone: 1, Rows: 10})
			a.Report(jobs.Progress{WindowsDone: 2, Rows: 20})
			<-release
			a.Report(jobs.Progress{WindowsDone: 3, Rows: 30})
			return nil
		})
		var seen []jobs.Progress
		err := t.Q.Watch(t.Context(), r.ID, func(r jobs.Record) {
			if r.Progress != (jobs.Progress{}) {
				seen = append(seen, r.Progress)
			}
			if r.Progress.Rows == 20 {
				close(release)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []jobs.Progress{{WindowsDone: 2, Rows: 20}, {WindowsDone: 3, Rows: 30}}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("progress (-want +got):\n%s", diff)
		}
	})
}

func TestDrainWaitsForHandlersAndPutsTheirJobsFirst(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		a, b := jobstest.Submit(t, t.Q, "x", "a"), jobstest.Submit(t, t.Q, "x", "b")
		cause, release := make(chan error), make(chan struct{})
		w := jobstest.StartWorker(t, t.Q, worker.Config{}, func(ctx context.Context, _ *jobs.Attempt) error {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			<-release // runs on
			return ctx.Err()
		})
		jobstest.AwaitState(t, t.Q, a.ID, jobs.StateRunning)
		w.Cancel()
		if err := <-cause; !errors.Is(err, jobs.ErrShutdown) {
			t.Errorf("cause = %v, want ErrShutdown", err)
		}
		select {
		case <-w.Stopped:
			t.Fatal("Run returned while a handler ran")
		case <-time.After(300 * time.Millisecond):
		}
		close(release)
		<-w.Stopped
		if r := jobstest.Job(t, t.Q, a.ID); r.State != jobs.StateQueued || r.Attempt != 0 {
			t.Errorf("job is %s with %d attempts, want it queued with none", r.State, r.Attempt)
		}
		if workers, err := t.Q.Workers(t.Context()); err != nil || len(workers) != 0 {
			t.Errorf("Workers() = %v, %v; want none", workers, err)
		}
		var j jobstest.Journal
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(_ context.Context, a *jobs.Attempt) error {
			j.Add("%s%d", a.Record.Fetch.Table, a.Record.Attempt)
			return nil
		})
		jobstest.AwaitState(t, t.Q, b.ID, jobs.StateDone)
		if diff := cmp.Diff([]string{"a1", "b1"}, j.All()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestDrainLetsAttemptsFinish(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		a := jobstest.Submit(t, t.Q, "x", "a")
		release := make(chan struct{})
		w := jobstest.StartWorker(t, t.Q, worker.Config{DrainTimeout: time.Hour}, func(context.Context, *jobs.Attempt) error {
			<-release
			return nil
		})
		jobstest.AwaitState(t, t.Q, a.ID, jobs.StateRunning)
		w.Cancel()
		close(release)
		<-w.Stopped
		if r := jobstest.Job(t, t.Q, a.ID); r.State != jobs.StateDone {
			t.Errorf("job is %s, want done", r.State)
		}
	})
}

func TestHandlersMayEndAtTheStartOfTheDrain(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		a := jobstest.Submit(t, t.Q, "x", "a")
		w := jobstest.StartWorker(t, t.Q, worker.Config{DrainTimeout: time.Hour}, func(ctx context.Context, a *jobs.Attempt) error {
			select {
			case <-a.Draining():
				return jobs.ErrShutdown
			case <-ctx.Done():
				return errors.New("cancelled")
			}
		})
		jobstest.AwaitState(t, t.Q, a.ID, jobs.StateRunning)
		w.Stop()
		if r := jobstest.Job(t, t.Q, a.ID); r.State != jobs.StateQueued || r.Attempt != 0 {
			t.Errorf("job is %s with %d attempts, want it queued with none", r.State, r.Attempt)
		}
	})
}
