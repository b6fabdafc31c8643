package jobstest

import (
	"context"
	"slices"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/schedule"
	"mixduck/jobs/worker"
)

// PublishFile publishes the schedules of a worker's file.
func PublishFile(t Rig, worker string, all ...jobs.Schedule) {
	t.Helper()
	if p, err := schedule.NewStore(t.Q).Publish(t.Context(), worker, all, false); p.Refused != nil || err != nil {
		t.Fatal(p.Refused, err)
	}
}

// WantSchedules compares the names of all schedules.
func WantSchedules(t Rig, want ...string) {
	t.Helper()
	all, err := schedule.NewStore(t.Q).List(t.Context(), time.Now())
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

// Daily returns a valid schedule.
func Daily(name string) jobs.Schedule {
	return jobs.Schedule{
		Name: name, Project: "12345", ProjectZone: "America/New_York", Database: "main/" + name + ".db",
		Cron: "15 6 * * *", Zone: "UTC", Start: day.New(2026, 1, 1), Lookback: 5,
	}
}

// TickAt returns the tick of [Daily] on a day of November, and a time just after it.
func TickAt(d int) (tick, now time.Time) {
	tick = time.Date(2026, 11, d, 6, 15, 0, 0, time.UTC)
	return tick, tick.Add(300 * time.Millisecond)
}

// Fire fires the tick of a schedule on a day of November.
func Fire(t Rig, name string, d int) (schedule.TickOutcome, jobs.Record) {
	t.Helper()
	tick, now := TickAt(d)
	outcome, job, err := schedule.NewStore(t.Q).Fire(t.Context(), State(t, name, now), tick, now)
	if err != nil {
		t.Fatal(err)
	}
	return outcome, job
}

// Ended runs all waiting jobs. Each completes one window and leaves daysLeft days, or fails with err.
//
// A starting worker puts jobs that it has read as waiting into their lanes. A job that ends meanwhile can get one more turn,
// and if the worker then stops, the next one ends this turn. Ended returns when there is no such turn.
func Ended(t Rig, daysLeft int, err error, ids ...string) {
	t.Helper()
	for again := true; again; again = heldByEnded(t, ids) {
		w := StartWorker(t, t.Q, worker.Config{}, func(_ context.Context, a *jobs.Attempt) error {
			a.Report(jobs.Progress{WindowsDone: 1, DaysLeft: daysLeft})
			return err
		})
		for _, id := range ids {
			AwaitState(t, t.Q, id, jobs.StateDone, jobs.StateFailed)
		}
		Eventually(t, "the jobs have left their lanes", func() bool { return !heldByEnded(t, ids) })
		w.Stop()
	}
}

// heldByEnded reports whether one of the jobs has the turn of a lane.
func heldByEnded(t Rig, ids []string) bool {
	t.Helper()
	lanes, err := t.Q.Lanes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(lanes, func(l jobs.LaneInfo) bool { return slices.Contains(ids, l.Holder) })
}

// State returns the state of a schedule.
func State(t Rig, name string, now time.Time) schedule.State {
	t.Helper()
	s, err := schedule.NewStore(t.Q).Get(t.Context(), name, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
