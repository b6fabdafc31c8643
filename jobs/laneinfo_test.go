package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
)

func TestLanesShowWhoHoldsThemAndWhoWaits(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		until := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		elsewhere := fetch("x", "a")
		elsewhere.Database = "eu/x.db"
		eu, err := t.q.Submit(t.Context(), jobs.Request{Fetch: elsewhere})
		if err != nil {
			t.Fatal(err)
		}
		paused, done := submit(t, t.q, "p", "pause"), submit(t, t.q, "d", "done")
		startWorker(t, t.q, jobs.WorkerConfig{}, func(ctx context.Context, a *jobs.Attempt) error {
			switch a.Record.Fetch.Table {
			case "pause":
				return jobs.PauseUntil(until, errors.New("budget"))
			case "done":
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		awaitState(t, t.q, paused.ID, jobs.StatePaused)
		awaitState(t, t.q, done.ID, jobs.StateDone)
		running := submit(t, t.q, "r", "block")
		submit(t, t.q, "r", "b")
		submit(t, t.q, "r", "c")
		awaitState(t, t.q, running.ID, jobs.StateRunning)
		var got []jobs.LaneInfo
		eventually(t, "the lane of the running job is free of others", func() bool { // the done job's lane may be passed on still
			if got, err = t.q.Lanes(t.Context()); err != nil {
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
		for id, unserved := range map[string]bool{eu.ID: true, paused.ID: false, running.ID: false, done.ID: false} {
			if r := job(t, t.q, id); r.Unserved != unserved {
				t.Errorf("job %s of %s is unserved: %v, want %v", r.State, r.Fetch.Database, r.Unserved, unserved)
			}
		}
	})
}
