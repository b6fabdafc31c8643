package jobs_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"mixduck/jobs"
)

func publishFile(t rig, worker string, all ...jobs.Schedule) {
	t.Helper()
	if p, err := t.q.PublishSchedules(t.Context(), worker, all, false); p.Refused != nil || err != nil {
		t.Fatal(p.Refused, err)
	}
}

// wantSchedules compares the names of all schedules.
func wantSchedules(t rig, want ...string) {
	t.Helper()
	all, err := t.q.Schedules(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("schedules %q, want %q", got, want)
	}
}

// idle is a worker that lives.
func idle(t rig, id string) *worker {
	t.Helper()
	w := startWorker(t, t.q, jobs.WorkerConfig{ID: id}, func(context.Context, *jobs.Attempt) error { return nil })
	eventually(t, id+" lives", func() bool {
		living, err := t.q.Workers(t.Context())
		return err == nil && slices.ContainsFunc(living, func(i jobs.WorkerInfo) bool { return i.ID == id })
	})
	return w
}

func TestSchedulesOfSiblingsThatLeftEnd(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		publishFile(t, "dir-2", daily("old"), daily("kept"))
		publishFile(t, "dir-3", daily("living"))
		publishFile(t, "other-2", daily("other"))
		publishFile(t, "w1", daily("w"))
		w := idle(t, "dir-3")
		publishFile(t, "dir-1", daily("kept"))
		publishFile(t, "w2")
		start := time.Now().Truncate(time.Millisecond) // as is kept
		tidy := func(me string, after time.Duration) {
			t.Helper()
			if err := t.q.TidySchedules(t.Context(), me, start.Add(after)); err != nil {
				t.Fatal(err)
			}
		}
		tidy("dir-1", 0) // the first to miss them
		tidy("dir-1", time.Minute)
		wantSchedules(t, "kept", "living", "old", "other", "w")
		tidy("w2", time.Hour)
		wantSchedules(t, "kept", "living", "old", "other", "w")
		tidy("dir-1", time.Hour)
		wantSchedules(t, "kept", "living", "other", "w")
		w.stop()
	})
}

func TestSchedulesOfWorkersThatStayAwayEnd(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		add(t, daily("mine"))
		publishFile(t, "gone-1", daily("orphan"), daily("shared"))
		publishFile(t, "back-1", daily("back"))
		publishFile(t, "here-1", daily("shared"))
		here := idle(t, "here-1")
		start := time.Now().Truncate(time.Millisecond) // as is kept
		tidy := func(days int) {
			t.Helper()
			if err := t.q.TidySchedules(t.Context(), "w1", start.AddDate(0, 0, days).Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		tidy(100) // the first to miss them
		back := idle(t, "back-1")
		tidy(103)
		back.stop()
		eventually(t, "back-1 is gone", func() bool {
			living, err := t.q.Workers(t.Context())
			return err == nil && !slices.ContainsFunc(living, func(i jobs.WorkerInfo) bool { return i.ID == "back-1" })
		})
		tidy(106)
		tidy(107)
		wantSchedules(t, "back", "mine", "orphan", "shared")
		tidy(108)
		wantSchedules(t, "back", "mine", "shared")
		for days := 109; days <= 125; days++ { // whenever it was missed first
			tidy(days)
		}
		wantSchedules(t, "mine", "shared")
		here.stop()
	})
}
