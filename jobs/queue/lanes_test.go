package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/worker"
)

func TestLanesShowWhoHoldsThemAndWhoWaits(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		until := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		elsewhere := jobstest.Fetch("x", "a")
		elsewhere.Database = "eu/x.db"
		eu, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: elsewhere})
		if err != nil {
			t.Fatal(err)
		}
		paused, done := jobstest.Submit(t, t.Q, "p", "pause"), jobstest.Submit(t, t.Q, "d", "done")
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(ctx context.Context, a *jobs.Attempt) error {
			switch a.Record.Fetch.Table {
			case "pause":
				return jobs.PauseUntil(until, errors.New("budget"))
			case "done":
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		jobstest.AwaitState(t, t.Q, paused.ID, jobs.StatePaused)
		jobstest.AwaitState(t, t.Q, done.ID, jobs.StateDone)
		running := jobstest.Submit(t, t.Q, "r", "block")
		jobstest.Submit(t, t.Q, "r", "b")
		jobstest.Submit(t, t.Q, "r", "c")
		jobstest.AwaitState(t, t.Q, running.ID, jobs.StateRunning)
		var got []jobs.LaneInfo
		jobstest.Eventually(t, "the lane of the running job is free of others", func() bool { // the done job's lane may still have to go on
			if got, err = t.Q.Lanes(t.Context()); err != nil {
				t.Fatal(err)
			}
			return len(got) == 3
		})
		for i := range got {
			if lane := &got[i]; lane.Holder != "" {
				if time.Since(lane.Since).Abs() > time.Minute {
					t.Errorf("%s is held since %v", lane.Database, lane.Since)
				}
				lane.Since = time.Time{}
			}
		}
		want := []jobs.LaneInfo{
			{Database: "eu/x.db", Holder: eu.ID, State: jobs.StateQueued, Unserved: true},
			{Database: "main/p.db", Aside: 1, NextAt: until},
			{Database: "main/r.db", Holder: running.ID, State: jobs.StateRunning, Worker: "w1", Waiting: 2},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("lanes (-want +got):\n%s", diff)
		}
		for database, want := range map[string]bool{"main/r.db": true, "main/p.db": false, "main/none.db": false} {
			if wait, err := t.Q.OthersWait(t.Context(), database); err != nil || wait != want {
				t.Errorf("OthersWait(%s) = %t, %v, want %t", database, wait, err, want)
			}
		}
		for id, unserved := range map[string]bool{eu.ID: true, paused.ID: false, running.ID: false, done.ID: false} {
			if r := jobstest.Job(t, t.Q, id); r.Unserved != unserved {
				t.Errorf("job %s of %s is unserved: %v, want %v", r.State, r.Fetch.Database, r.Unserved, unserved)
			}
		}
	})
}
