package schedule_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/schedule"
	"mixduck/jobs/worker"
)

// idle starts a live worker.
func idle(t jobstest.Rig, id string) *jobstest.Worker {
	t.Helper()
	w := jobstest.StartWorker(t, t.Q, worker.Config{ID: id}, func(context.Context, *jobs.Attempt) error { return nil })
	jobstest.Eventually(t, id+" lives", func() bool {
		living, err := t.Q.Workers(t.Context())
		return err == nil && slices.ContainsFunc(living, func(i jobs.WorkerInfo) bool { return i.ID == id })
	})
	return w
}

func TestSchedulesOfSiblingsThatLeftEnd(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		jobstest.PublishFile(t, "dir-2", jobstest.Daily("old"), jobstest.Daily("kept"))
		jobstest.PublishFile(t, "dir-3", jobstest.Daily("living"))
		jobstest.PublishFile(t, "other-2", jobstest.Daily("other"))
		jobstest.PublishFile(t, "w1", jobstest.Daily("w"))
		w := idle(t, "dir-3")
		jobstest.PublishFile(t, "dir-1", jobstest.Daily("kept"))
		jobstest.PublishFile(t, "w2")
		start := time.Now().Truncate(time.Millisecond) // precision of stored times
		tidy := func(me string, after time.Duration) {
			t.Helper()
			if err := schedule.NewStore(t.Q).Tidy(t.Context(), me, start.Add(after)); err != nil {
				t.Fatal(err)
			}
		}
		tidy("dir-1", 0) // the first call that misses them
		tidy("dir-1", time.Minute)
		jobstest.WantSchedules(t, "kept", "living", "old", "other", "w")
		tidy("w2", time.Hour)
		jobstest.WantSchedules(t, "kept", "living", "old", "other", "w")
		tidy("dir-1", time.Hour)
		jobstest.WantSchedules(t, "kept", "living", "other", "w")
		w.Stop()
	})
}

func TestSchedulesOfWorkersThatStayAwayEnd(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		add(t, jobstest.Daily("mine"))
		jobstest.PublishFile(t, "gone-1", jobstest.Daily("orphan"), jobstest.Daily("shared"))
		jobstest.PublishFile(t, "back-1", jobstest.Daily("back"))
		jobstest.PublishFile(t, "here-1", jobstest.Daily("shared"))
		here := idle(t, "here-1")
		start := time.Now().Truncate(time.Millisecond) // precision of stored times
		tidy := func(days int) {
			t.Helper()
			if err := schedule.NewStore(t.Q).Tidy(t.Context(), "w1", start.AddDate(0, 0, days).Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		tidy(100) // the first call that misses them
		back := idle(t, "back-1")
		tidy(103)
		back.Stop()
		jobstest.Eventually(t, "back-1 is gone", func() bool {
			living, err := t.Q.Workers(t.Context())
			return err == nil && !slices.ContainsFunc(living, func(i jobs.WorkerInfo) bool { return i.ID == "back-1" })
		})
		tidy(106)
		tidy(107)
		jobstest.WantSchedules(t, "back", "mine", "orphan", "shared")
		tidy(108)
		jobstest.WantSchedules(t, "back", "mine", "shared")
		for days := 109; days <= 125; days++ { // regardless of when it was first missed
			tidy(days)
		}
		jobstest.WantSchedules(t, "mine", "shared")
		here.Stop()
	})
}
