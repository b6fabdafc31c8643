package worker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/worker"
)

// fencedError is the error of a database for a writer with a lower fence than the stored one.
type fencedError struct{ stored int64 }

func (fencedError) Error() string { return "another writer has taken over" }

func (f fencedError) StoredFence() int64 { return f.stored }

// A database can have higher fences than the queue knows: Redis has lost its data, and the clock was set back since.
func TestTheFenceOfADatabaseIsOutranked(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		stored := time.Now().Add(24 * time.Hour).UnixMilli()
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(_ context.Context, a *jobs.Attempt) error {
			if a.Fence < stored {
				return jobs.Permanent(fmt.Errorf("window: %w", fencedError{stored}))
			}
			stored = a.Fence
			return nil
		})
		for _, table := range []string{"a", "b"} {
			id := jobstest.Submit(t, t.Q, "x", table).ID
			if r := jobstest.AwaitState(t, t.Q, id, jobs.StateDone, jobs.StateFailed); r.State != jobs.StateDone {
				t.Fatalf("job %s of an empty Redis: %+v", table, r.Failure)
			}
		}
	})
}

// Acknowledged jobs can be lost with the data of Redis, but clients that wait for them get an error, and the database
// goes on to the next job, which no attempt of the lost one can outrank.
func TestALostJobIsSaidToBeLost(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		running, ended := make(chan int64), make(chan error)
		jobstest.StartWorker(t, t.Q, worker.Config{Concurrency: 2}, func(ctx context.Context, a *jobs.Attempt) error {
			select {
			case running <- a.Fence:
			case <-ctx.Done():
			}
			if a.Record.Fetch.Table == "later" {
				return nil
			}
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return ctx.Err()
		})
		first, waiting := jobstest.Submit(t, t.Q, "x", "first"), jobstest.Submit(t, t.Q, "x", "waiting")
		fence := <-running
		told := make(chan error)
		for _, id := range []string{first.ID, waiting.ID} {
			go func() { told <- t.Q.Watch(t.Context(), id, func(jobs.Record) {}) }()
		}
		if err := t.Rdb.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-told; !errors.Is(err, jobs.ErrJobLost) {
				t.Errorf("Watch() = %v, want %v", err, jobs.ErrJobLost)
			}
		}
		later := jobstest.Submit(t, t.Q, "x", "later")
		if cause := <-ended; !errors.Is(cause, jobs.ErrLaneLost) {
			t.Errorf("the attempt was ended by %v, want %v", cause, jobs.ErrLaneLost)
		}
		if next := <-running; next <= fence {
			t.Errorf("fence %d after %d", next, fence)
		}
		jobstest.AwaitState(t, t.Q, later.ID, jobs.StateDone)
	})
}

// An attempt that ends before it notices the loss must not count as recorded.
func TestAnAttemptThatEndsAfterTheLossIsNotDone(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		became := make(chan jobs.State, 1)
		jobstest.StartWorker(t, t.Q, worker.Config{Observer: ends{became}}, func(ctx context.Context, _ *jobs.Attempt) error {
			return t.Rdb.FlushAll(ctx).Err()
		})
		jobstest.Submit(t, t.Q, "x", "a")
		if s := <-became; s != "" {
			t.Errorf("a lost job ended as %q, want none", s)
		}
	})
}

// ends observes how attempts end.
type ends struct{ became chan jobs.State }

func (ends) Started() {}

func (e ends) AttemptEnded(_ jobs.Kind, s jobs.State, _ time.Duration) { e.became <- s }
