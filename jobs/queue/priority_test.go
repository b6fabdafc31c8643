package queue_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/worker"
)

func TestPrioritiesShareAWorker(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		const each = 40
		ids := make([]string, 0, 3*each)
		for i := range each {
			for _, p := range []jobs.Priority{jobs.PriorityLow, jobs.PriorityDefault, jobs.PriorityHigh} {
				r, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: jobstest.Fetch(fmt.Sprintf("%s%d", p, i), "a"), Priority: p})
				if err != nil || r.Priority != p {
					t.Fatalf("Submit() = %+v, %v; want priority %s", r, err, p)
				}
				ids = append(ids, r.ID)
			}
		}
		var order jobstest.Journal
		jobstest.StartWorker(t, t.Q, worker.Config{Concurrency: 1}, func(_ context.Context, a *jobs.Attempt) error {
			order.Add("%s", a.Record.Priority)
			return nil
		})
		for _, id := range ids {
			jobstest.AwaitState(t, t.Q, id, jobs.StateDone)
		}
		first, seen := map[string]int{}, map[string]int{}
		for i, p := range order.All() {
			if i < each {
				first[p]++
			}
			if seen[p]++; seen["high"] == each && seen["default"] == each {
				break
			}
		}
		if first["high"] <= first["low"] {
			t.Errorf("of the first %d jobs %v were of each priority, want most of them high", each, first)
		}
		if seen["low"] == 0 {
			t.Errorf("when all others had run so had %v, want some low ones", seen)
		}
	})
}

func TestALaneIsFirstInFirstOutWhateverThePriorities(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		var last jobs.Record
		for i, p := range []jobs.Priority{jobs.PriorityLow, jobs.PriorityHigh, "", jobs.PriorityHigh} {
			var err error
			if last, err = t.Q.Submit(t.Context(), jobs.Request{Fetch: jobstest.Fetch("x", fmt.Sprintf("t%d", i)), Priority: p}); err != nil {
				t.Fatal(err)
			}
		}
		var order jobstest.Journal
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(_ context.Context, a *jobs.Attempt) error {
			order.Add("%s %s", a.Record.Fetch.Table, a.Record.Priority)
			return nil
		})
		jobstest.AwaitState(t, t.Q, last.ID, jobs.StateDone)
		want := []string{"t0 low", "t1 high", "t2 default", "t3 high"}
		if diff := cmp.Diff(want, order.All()); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}
