package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
	"mixduck/jobs"
)

func TestLanesAreFirstInFirstOutAndRunBesideEachOther(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		const lanes, each = 4, 8
		var ids []string
		for i := range each {
			for lane := range lanes {
				ids = append(ids, submit(t, t.q, strconv.Itoa(lane), fmt.Sprintf("t%d", i)).ID)
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
		startWorker(t, t.q, jobs.WorkerConfig{ID: "a"}, h)
		startWorker(t, t.q, jobs.WorkerConfig{ID: "b"}, h)
		for _, id := range ids {
			awaitState(t, t.q, id, jobs.StateDone)
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
	onEach(t, func(t rig) {
		first, second, third := submit(t, t.q, "x", "a"), submit(t, t.q, "x", "b"), submit(t, t.q, "x", "c")
		got := []any{first.State, first.Position, second.State, second.Position, second.Behind, third.State, third.Position, third.Behind}
		want := []any{jobs.StateQueued, 0, jobs.StateWaiting, 1, first.ID, jobs.StateWaiting, 2, second.ID}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("states and positions (-want +got):\n%s", diff)
		}
	})
}

func TestRetryStandsFirst(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		a, _, c := submit(t, t.q, "x", "a"), submit(t, t.q, "x", "b"), submit(t, t.q, "x", "c")
		var j journal
		release := make(chan struct{})
		startWorker(t, t.q, jobs.WorkerConfig{Backoff: jobs.Backoff{Base: time.Second}}, func(_ context.Context, at *jobs.Attempt) error {
			j.add("%s%d", at.Record.Fetch.Table, at.Record.Attempt)
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
		r := awaitState(t, t.q, a.ID, jobs.StateRetrying)
		want := &jobs.Failure{Code: fault.CodeRateLimited, Message: "too\nsoon", Hint: "wait", At: r.Failure.At}
		if diff := cmp.Diff(want, r.Failure); diff != "" {
			t.Errorf("failure (-want +got):\n%s", diff)
		}
		eventually(t, "the retry is due", func() bool { return time.Now().After(r.RunAt) })
		close(release)
		awaitState(t, t.q, c.ID, jobs.StateDone)
		if diff := cmp.Diff([]string{"a1", "b1", "a2", "c1"}, j.all()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestPauseGivesTheLaneUpAndCostsNoAttempt(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		a, err := t.q.Submit(t.Context(), jobs.Request{Fetch: fetch("x", "a"), MaxAttempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		b := submit(t, t.q, "x", "b")
		var j journal
		startWorker(t, t.q, jobs.WorkerConfig{}, func(_ context.Context, at *jobs.Attempt) error {
			j.add("%s%d", at.Record.Fetch.Table, at.Record.Attempt)
			if at.Record.Fetch.Table == "a" && len(j.all()) < 4 {
				at.Report(jobs.Progress{WindowsDone: 7})
				return fmt.Errorf("window 8: %w", jobs.PauseUntil(time.Now().Add(time.Second), errors.New("budget is spent")))
			}
			return nil
		})
		paused := awaitState(t, t.q, a.ID, jobs.StatePaused)
		if paused.Attempt != 0 || paused.RunAt.IsZero() || paused.Progress.WindowsDone != 7 || !strings.Contains(paused.Progress.Note, "budget") {
			t.Errorf("paused record = %+v, want no attempt, a time, its progress and a note", paused)
		}
		awaitState(t, t.q, b.ID, jobs.StateDone)
		done := awaitState(t, t.q, a.ID, jobs.StateDone, jobs.StateFailed)
		if done.State != jobs.StateDone || done.Attempt != 1 || done.Progress.Note != "" {
			t.Errorf("record = %+v, want done in the first attempt, with no note", done)
		}
		if diff := cmp.Diff([]string{"a1", "b1", "a1", "a1"}, j.all()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestJobFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		run      handlerFunc
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
			onEach(t, func(t rig) {
				r, err := t.q.Submit(t.Context(), jobs.Request{Fetch: fetch("x", "a"), MaxAttempts: 3})
				if err != nil {
					t.Fatal(err)
				}
				startWorker(t, t.q, jobs.WorkerConfig{}, tt.run)
				got := awaitState(t, t.q, r.ID, jobs.StateFailed)
				if got.Attempt != tt.attempts || got.Failure.Message != tt.message || got.FinishedAt.IsZero() {
					t.Errorf("record = %+v (%+v), want %d attempts and %q", got, got.Failure, tt.attempts, tt.message)
				}
			})
		})
	}
}

func TestProgressIsSeenWhileTheJobRuns(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		r := submit(t, t.q, "x", "a")
		release := make(chan struct{})
		startWorker(t, t.q, jobs.WorkerConfig{}, func(_ context.Context, a *jobs.Attempt) error {
			a.Report(jobs.Progress{WindowsDone: 1, Rows: 10})
			a.Report(jobs.Progress{WindowsDone: 2, Rows: 20})
			<-release
			a.Report(jobs.Progress{WindowsDone: 3, Rows: 30})
			return nil
		})
		var seen []jobs.Progress
		err := t.q.Watch(t.Context(), r.ID, func(r jobs.Record) {
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
	onEach(t, func(t rig) {
		a, b := submit(t, t.q, "x", "a"), submit(t, t.q, "x", "b")
		cause, release := make(chan error), make(chan struct{})
		w := startWorker(t, t.q, jobs.WorkerConfig{}, func(ctx context.Context, _ *jobs.Attempt) error {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			<-release // a handler that takes its time
			return ctx.Err()
		})
		awaitState(t, t.q, a.ID, jobs.StateRunning)
		w.cancel()
		if err := <-cause; !errors.Is(err, jobs.ErrShutdown) {
			t.Errorf("cause = %v, want ErrShutdown", err)
		}
		select {
		case <-w.stopped:
			t.Fatal("Run returned while a handler ran")
		case <-time.After(300 * time.Millisecond):
		}
		close(release)
		<-w.stopped
		if r := job(t, t.q, a.ID); r.State != jobs.StateQueued || r.Attempt != 0 {
			t.Errorf("job is %s with %d attempts, want it queued with none", r.State, r.Attempt)
		}
		if workers, err := t.q.Workers(t.Context()); err != nil || len(workers) != 0 {
			t.Errorf("Workers() = %v, %v; want none", workers, err)
		}
		var j journal
		startWorker(t, t.q, jobs.WorkerConfig{}, func(_ context.Context, a *jobs.Attempt) error {
			j.add("%s%d", a.Record.Fetch.Table, a.Record.Attempt)
			return nil
		})
		awaitState(t, t.q, b.ID, jobs.StateDone)
		if diff := cmp.Diff([]string{"a1", "b1"}, j.all()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestDrainLetsAttemptsFinish(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		a := submit(t, t.q, "x", "a")
		release := make(chan struct{})
		w := startWorker(t, t.q, jobs.WorkerConfig{DrainTimeout: time.Hour}, func(context.Context, *jobs.Attempt) error {
			<-release
			return nil
		})
		awaitState(t, t.q, a.ID, jobs.StateRunning)
		w.cancel()
		close(release)
		<-w.stopped
		if r := job(t, t.q, a.ID); r.State != jobs.StateDone {
			t.Errorf("job is %s, want done", r.State)
		}
	})
}

func TestHandlersMayEndAtTheStartOfTheDrain(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		a := submit(t, t.q, "x", "a")
		w := startWorker(t, t.q, jobs.WorkerConfig{DrainTimeout: time.Hour}, func(ctx context.Context, a *jobs.Attempt) error {
			select {
			case <-a.Draining():
				return jobs.ErrShutdown
			case <-ctx.Done():
				return errors.New("cancelled")
			}
		})
		awaitState(t, t.q, a.ID, jobs.StateRunning)
		w.stop()
		if r := job(t, t.q, a.ID); r.State != jobs.StateQueued || r.Attempt != 0 {
			t.Errorf("job is %s with %d attempts, want it queued with none", r.State, r.Attempt)
		}
	})
}

func TestWorkersAreListedWithTheirVolumes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		idle := func(context.Context, *jobs.Attempt) error { return nil }
		startWorker(t, t.q, jobs.WorkerConfig{ID: "b", Volumes: []jobs.Volume{{Name: "main"}, {Name: "eu", ID: "x1"}}, Version: "v1"}, idle)
		startWorker(t, t.q, jobs.WorkerConfig{ID: "a"}, idle)
		var workers []jobs.WorkerInfo
		eventually(t, "both workers are listed", func() bool {
			var err error
			if workers, err = t.q.Workers(t.Context()); err != nil {
				t.Fatal(err)
			}
			return len(workers) == 2
		})
		got := []any{workers[0].ID, workers[0].Volumes, workers[1].ID, workers[1].Volumes, workers[1].Version, jobs.Volumes(workers)}
		want := []any{"a", []jobs.Volume{{Name: "main"}}, "b", []jobs.Volume{{Name: "main"}, {Name: "eu", ID: "x1"}}, "v1", []string{"eu", "main"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("workers (-want +got):\n%s", diff)
		}
	})
}

func TestTwoDirectoriesDoNotShareAName(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		idle := func(context.Context, *jobs.Attempt) error { return nil }
		first := startWorker(t, t.q, jobs.WorkerConfig{ID: "a", Volumes: []jobs.Volume{{Name: "eu", ID: "x1"}}}, idle)
		f := fetch("x", "a")
		f.Database = "eu/x.db"
		served, err := t.q.Submit(t.Context(), jobs.Request{Fetch: f})
		if err != nil {
			t.Fatal(err)
		}
		awaitState(t, t.q, served.ID, jobs.StateDone) // so the first has been let in
		known, err := t.q.KnownVolumes(t.Context())
		if err != nil || !slices.Equal(known, []string{"eu", "main"}) {
			t.Errorf("the volumes are %v, %v", known, err)
		}
		run := func(id, directory string, atMost time.Duration) error {
			w, err := jobs.NewWorker(t.q, map[jobs.Kind]jobs.Handler{jobs.KindFetch: handlerFunc(idle)},
				jobs.WorkerConfig{ID: id, Volumes: []jobs.Volume{{Name: "eu", ID: directory}}}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), atMost)
			defer stop()
			return w.Run(ctx)
		}
		if err := run("b", "x2", time.Minute); fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(fmt.Sprint(err), "volume eu") {
			t.Errorf("a second directory as volume eu: %v, want a usage error", err)
		}
		if err := run("c", "x1", time.Second); err != nil {
			t.Errorf("the same directory a second time: %v", err)
		}
		first.stop()
		if err := run("b", "x2", time.Second); err != nil {
			t.Errorf("another directory after the end of the first: %v", err)
		}
	})
}

func TestWorkersServeTheirVolumesOnly(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		f := fetch("x", "a")
		f.Database = "eu/x.db"
		eu, err := t.q.Submit(t.Context(), jobs.Request{Fetch: f})
		if err != nil {
			t.Fatal(err)
		}
		here := submit(t, t.q, "x", "a")
		startWorker(t, t.q, jobs.WorkerConfig{}, func(context.Context, *jobs.Attempt) error { return nil })
		awaitState(t, t.q, here.ID, jobs.StateDone)
		if r := job(t, t.q, eu.ID); r.State != jobs.StateQueued {
			t.Errorf("job of another volume is %s, want queued", r.State)
		}
	})
}
