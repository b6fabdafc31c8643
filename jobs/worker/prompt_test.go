package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"mixduck/jobs"
)

// What must happen soon is measured in the time of a synctest bubble, which does not depend on the machine.

// A sweep runs once a second: if the sweep handed over the lane, eight jobs would take eight seconds.
func TestALaneIsHandedOverAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		const many = 8
		done := make(chan string, many)
		for range many {
			mustSubmit(t, q, "x")
		}
		defer work(t, q, "w1", func(_ context.Context, a *jobs.Attempt) error { done <- a.Record.ID; return nil })()
		<-done
		began := time.Now()
		for range many - 1 {
			<-done
		}
		if took := time.Since(began); took > many*200*time.Millisecond {
			t.Errorf("seven jobs followed the first within %v: the lane is not handed over at once", took)
		}
	})
}

func TestCancelEndsARunningJobWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		r := mustSubmit(t, q, "x")
		began := make(chan struct{})
		defer work(t, q, "w1", func(ctx context.Context, _ *jobs.Attempt) error {
			close(began)
			<-ctx.Done()
			return ctx.Err()
		})()
		<-began
		asked := time.Now()
		if _, err := q.Cancel(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		for {
			got, err := q.Job(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got.State == jobs.StateCancelled {
				break
			}
			if took := time.Since(asked); took > 2*time.Second {
				t.Fatalf("the job is %s %v after it was cancelled", got.State, took)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}
