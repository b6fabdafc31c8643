package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"mixduck/jobs"
)

// fencedError is what a database says to a writer with a lower fence than it has seen.
type fencedError struct{ stored int64 }

func (fencedError) Error() string        { return "another writer has taken over" }
func (f fencedError) StoredFence() int64 { return f.stored }

// A database may hold higher fences than the queue knows of: Redis has lost its data, and the clock was set back since.
func TestTheFenceOfADatabaseIsOutranked(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		stored := time.Now().Add(24 * time.Hour).UnixMilli()
		startWorker(t, t.q, jobs.WorkerConfig{}, func(_ context.Context, a *jobs.Attempt) error {
			if a.Fence < stored {
				return jobs.Permanent(fmt.Errorf("window: %w", fencedError{stored}))
			}
			stored = a.Fence
			return nil
		})
		for _, table := range []string{"a", "b"} {
			id := submit(t, t.q, "x", table).ID
			if r := awaitState(t, t.q, id, jobs.StateDone, jobs.StateFailed); r.State != jobs.StateDone {
				t.Fatalf("job %s of an empty Redis: %+v", table, r.Failure)
			}
		}
	})
}

// Jobs that were acknowledged may be lost with the data of Redis, but those who wait for them are told so, and the
// database goes on to the next job, which no attempt of the lost one can outrank.
func TestALostJobIsSaidToBeLost(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		running, ended := make(chan int64), make(chan error)
		startWorker(t, t.q, jobs.WorkerConfig{Concurrency: 2}, func(ctx context.Context, a *jobs.Attempt) error {
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
		first, waiting := submit(t, t.q, "x", "first"), submit(t, t.q, "x", "waiting")
		fence := <-running
		told := make(chan error)
		for _, id := range []string{first.ID, waiting.ID} {
			go func() { told <- t.q.Watch(t.Context(), id, func(jobs.Record) {}) }()
		}
		if err := t.rdb.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-told; !errors.Is(err, jobs.ErrJobLost) {
				t.Errorf("Watch() = %v, want %v", err, jobs.ErrJobLost)
			}
		}
		later := submit(t, t.q, "x", "later")
		if cause := <-ended; !errors.Is(cause, jobs.ErrLaneLost) {
			t.Errorf("the attempt was ended by %v, want %v", cause, jobs.ErrLaneLost)
		}
		if next := <-running; next <= fence {
			t.Errorf("fence %d after %d", next, fence)
		}
		awaitState(t, t.q, later.ID, jobs.StateDone)
	})
}

// An attempt that ends before it notices the loss must not pass for one that was recorded.
func TestAnAttemptThatEndsAfterTheLossIsNotDone(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		became := make(chan jobs.State, 1)
		startWorker(t, t.q, jobs.WorkerConfig{Observer: ends{became}}, func(ctx context.Context, _ *jobs.Attempt) error {
			return t.rdb.FlushAll(ctx).Err()
		})
		submit(t, t.q, "x", "a")
		if s := <-became; s != "" {
			t.Errorf("a lost job ended as %q, want none", s)
		}
	})
}

// ends hears how attempts end.
type ends struct{ became chan jobs.State }

func (ends) Started() {}

func (e ends) AttemptEnded(_ jobs.Kind, s jobs.State, _ time.Duration) { e.became <- s }
