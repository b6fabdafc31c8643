package schedule_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/schedule"
)

// hourly returns a schedule.
func hourly(name string) jobs.Schedule {
	return jobs.Schedule{
		Name: name, Project: "1", ProjectZone: "UTC", Database: "main/" + name + ".db", Cron: "@hourly", Start: day.Earliest, Overlap: jobs.OverlapQueue,
	}
}

// If the clock was far ahead when a schedule was added or fired, the schedule still works after the clock is
// corrected.
func TestAClockThatIsSetBackSilencesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mini := miniredis.NewMiniRedis()
		defer mini.Close()
		q := connect(t, mini, nil, nil)
		r := schedule.Runner{Queue: q, Log: slog.New(slog.DiscardHandler)}
		at := func(s string) {
			t.Helper()
			now, err := time.Parse(time.DateTime, s)
			if err != nil {
				t.Fatal(err)
			}
			mini.SetTime(now)
			if err := r.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		mini.SetTime(time.Date(2027, 1, 1, 0, 30, 0, 0, time.UTC))
		if err := schedule.NewStore(q).Add(t.Context(), hourly("x")); err != nil {
			t.Fatal(err)
		}
		at("2027-01-01 01:00:01") // fires
		at("2026-01-01 09:59:59") // counts from here
		at("2026-01-01 10:00:00") // fires
		at("2026-01-01 10:00:01")
		at("2027-01-01 01:59:59") // has fired
		history, err := schedule.NewStore(q).History(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tick := range history {
			got = append(got, tick.Tick.Format(time.DateTime))
		}
		if want := []string{"2027-01-01 01:00:00", "2026-01-01 10:00:00"}; !slices.Equal(got, want) {
			t.Errorf("ticks %q, want %q", got, want)
		}
	})
}

// A schedule that was added while the clock was ahead has days to fetch after the clock is corrected, even if it was
// paused and resumed since.
func TestAClockThatIsSetBackLeavesDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mini := miniredis.NewMiniRedis()
		defer mini.Close()
		q := connect(t, mini, nil, nil)
		r := schedule.Runner{Queue: q, Log: slog.New(slog.DiscardHandler)}
		for _, pause := range []bool{false, true} {
			s := hourly(map[bool]string{false: "x", true: "paused"}[pause])
			s.Start = 0
			s.Lookback = 2
			mini.SetTime(time.Date(2027, 1, 1, 0, 30, 0, 0, time.UTC))
			if err := schedule.NewStore(q).Add(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			now := time.Date(2026, 1, 1, 9, 30, 0, 0, time.UTC)
			mini.SetTime(now)
			for _, flag := range []bool{true, false} {
				if _, err := schedule.NewStore(q).Pause(t.Context(), s.Name, flag && pause); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if err := r.Step(t.Context()); err != nil {
					t.Fatal(err)
				}
				now = now.Add(time.Hour)
				mini.SetTime(now)
			}
			if err := r.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			history, err := schedule.NewStore(q).History(t.Context(), s.Name)
			if err != nil || len(history) != 2 || history[1].Outcome != schedule.TickJob {
				t.Errorf("schedule %s: ticks %v, %v; want a job first", s.Name, history, err)
			}
		}
	})
}

// Several runners fire each tick of some minutes exactly once, as soon as Redis is there.
func TestRunnersFireTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mini := miniredis.NewMiniRedis()
		defer mini.Close()
		q := connect(t, mini, nil, nil)
		for name, cron := range map[string]string{"x": "@every 30s", "w1": "* * * * *", "w2": "* * * * *", "w3": "* * * * *"} {
			s := hourly(name)
			s.Cron = cron
			if err := schedule.NewStore(q).Add(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		mini.SetError("LOADING Redis is loading the dataset in memory")
		ctx, stop := context.WithCancel(t.Context())
		var runners sync.WaitGroup
		for _, worker := range []string{"w1", "w2", "w3"} {
			r := schedule.Runner{Queue: connect(t, mini, nil, nil), Log: slog.New(slog.DiscardHandler), Worker: worker}
			runners.Go(func() { r.Run(ctx) })
		}
		time.Sleep(20 * time.Second)
		mini.SetError("")
		time.Sleep(3*time.Minute + 5*time.Second)
		stop()
		runners.Wait()
		all, err := schedule.NewStore(q).List(t.Context(), time.Now())
		if err != nil || len(all) != 4 {
			t.Fatalf("%d schedules, %v, want 4", len(all), err)
		}
		for _, s := range all {
			history, err := schedule.NewStore(q).History(t.Context(), s.Name)
			want := 3
			if s.Name == "x" {
				want = 6
			}
			if err != nil || len(history) != want {
				t.Errorf("%s has dealt with %d ticks (%v), want %d", s.Name, len(history), err, want)
			}
			for _, tick := range history {
				if late := tick.At.Sub(tick.Tick); late < 0 || late > schedule.Every {
					t.Errorf("%s: tick %s was dealt with %s later", s.Name, tick.Tick, late)
				}
			}
		}
	})
}
