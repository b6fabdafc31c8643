package queue_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/worker"
)

// watcher is an observer.
type watcher struct {
	jobstest.Journal
	started chan struct{} // closed when the worker has started
}

func (w *watcher) Started() { close(w.started) }

func (w *watcher) AttemptEnded(kind jobs.Kind, became jobs.State, took time.Duration) {
	if took <= 0 {
		w.Add("took %s", took)
	}
	w.Add("%s %s", kind, became)
}

func TestJobsAreCountedByState(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		before := time.Now().Truncate(time.Millisecond)
		first := jobstest.Submit(t, t.Q, "a", "block")
		for range 2 {
			jobstest.Submit(t, t.Q, "a", "x")
		}
		if _, err := t.Q.Submit(t.Context(), jobs.Request{Kind: jobs.KindQuery, Query: jobs.Query{Database: "main/a.db", SQL: "SELECT 1", Format: jobs.FormatJSON}}); err != nil {
			t.Fatal(err)
		}
		counts, err := t.Q.Counts(t.Context())
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
	jobstest.OnEach(t, func(t jobstest.Rig) {
		heard := &watcher{started: make(chan struct{})}
		running := make(chan struct{})
		w := jobstest.StartWorker(t, t.Q, worker.Config{Observer: heard, Concurrency: 1}, func(ctx context.Context, a *jobs.Attempt) error {
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
		jobstest.AwaitState(t, t.Q, jobstest.Submit(t, t.Q, "a", "good").ID, jobs.StateDone)
		jobstest.AwaitState(t, t.Q, jobstest.Submit(t, t.Q, "a", "bad").ID, jobs.StateFailed)
		jobstest.Submit(t, t.Q, "a", "block")
		<-running
		w.Stop()
		if want := []string{"fetch done", "fetch failed", "fetch waiting"}; !slices.Equal(heard.All(), want) {
			t.Errorf("heard %q, want %q", heard.All(), want)
		}
	})
}
