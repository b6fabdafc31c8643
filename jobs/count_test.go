package jobs_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"mixduck/jobs"
)

// watcher is an observer.
type watcher struct {
	journal
	started chan struct{} // closed when the worker has
}

func (w *watcher) Started() { close(w.started) }

func (w *watcher) AttemptEnded(kind jobs.Kind, became jobs.State, took time.Duration) {
	if took <= 0 {
		w.add("took %s", took)
	}
	w.add("%s %s", kind, became)
}

func TestJobsAreCountedByState(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		before := time.Now().Truncate(time.Millisecond)
		first := submit(t, t.q, "a", "block")
		for range 2 {
			submit(t, t.q, "a", "x")
		}
		if _, err := t.q.Submit(t.Context(), jobs.Request{Kind: jobs.KindQuery, Query: jobs.Query{Database: "main/a.db", SQL: "SELECT 1", Format: jobs.FormatJSON}}); err != nil {
			t.Fatal(err)
		}
		counts, err := t.q.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := map[jobs.State]int{jobs.StateQueued: 2, jobs.StateWaiting: 2}
		for _, c := range counts {
			if c.Jobs != want[c.State] {
				t.Errorf("%d jobs are %s, want %d", c.Jobs, c.State, want[c.State])
			}
			if c.Oldest.IsZero() != (c.Jobs == 0) || !c.Oldest.IsZero() && (c.Oldest.Before(before) || c.Oldest.After(time.Now())) {
				t.Errorf("the oldest job that is %s was submitted at %s", c.State, c.Oldest)
			}
			if c.State == jobs.StateQueued && !c.Oldest.Equal(first.CreatedAt.Truncate(time.Millisecond)) {
				t.Errorf("the oldest is of %s, want %s", c.Oldest, first.CreatedAt)
			}
		}
		if len(counts) != 8 {
			t.Errorf("%d states", len(counts))
		}
	})
}

func TestObserverHearsWhatBecomesOfJobs(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		heard := &watcher{started: make(chan struct{})}
		running := make(chan struct{})
		w := startWorker(t, t.q, jobs.WorkerConfig{Observer: heard, Concurrency: 1}, func(ctx context.Context, a *jobs.Attempt) error {
			switch a.Record.Fetch.Table {
			case "bad":
				return jobs.Permanent(errors.New("no"))
			case "block":
				close(running)
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		<-heard.started
		awaitState(t, t.q, submit(t, t.q, "a", "good").ID, jobs.StateDone)
		awaitState(t, t.q, submit(t, t.q, "a", "bad").ID, jobs.StateFailed)
		submit(t, t.q, "a", "block")
		<-running
		w.stop()
		if want := []string{"fetch done", "fetch failed", "fetch waiting"}; !slices.Equal(heard.all(), want) {
			t.Errorf("heard %q, want %q", heard.all(), want)
		}
	})
}
