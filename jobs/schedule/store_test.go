package schedule_test

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/schedule"
)

func TestPauseResumeRunAndRemove(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		add(t, jobstest.Daily("morning"))
		for _, pause := range []bool{true, false} {
			for _, news := range []bool{true, false} {
				if got, err := schedule.NewStore(t.Q).Pause(t.Context(), "morning", pause); got != news || err != nil {
					t.Errorf("PauseSchedule(%t) = %t, %v, want %t", pause, got, err, news)
				}
			}
			outcome, _ := jobstest.Fire(t, "morning", 22)
			if want := map[bool]schedule.TickOutcome{true: "", false: schedule.TickJob}[pause]; outcome != want {
				t.Errorf("paused: %t: a tick made %q, want %q", pause, outcome, want)
			}
		}
		seen := jobstest.State(t, "morning", time.Now())
		if _, err := schedule.NewStore(t.Q).Pause(t.Context(), "morning", true); err != nil {
			t.Fatal(err)
		}
		job, err := schedule.NewStore(t.Q).Run(t.Context(), "morning") // although one is not final, and the schedule is paused
		if err != nil || job.Schedule != "morning" || !job.Tick.IsZero() || job.State != jobs.StateWaiting {
			t.Errorf("Run() = %+v, %v", job, err)
		}
		if last := jobstest.State(t, "morning", time.Now()).LastJob; last != job.ID {
			t.Errorf("last job %s, want %s", last, job.ID)
		}
		if history, err := schedule.NewStore(t.Q).History(t.Context(), "morning"); len(history) != 1 || err != nil {
			t.Errorf("history = %v, %v, want the tick alone", history, err)
		}
		if err := schedule.NewStore(t.Q).Remove(t.Context(), "morning"); err != nil {
			t.Fatal(err)
		}
		tick, now := jobstest.TickAt(23)
		if outcome, _, err := schedule.NewStore(t.Q).Fire(t.Context(), seen, tick, now); outcome != "" || err != nil {
			t.Errorf("a removed schedule fires: %q, %v", outcome, err)
		}
		if job := jobstest.AwaitState(t, t.Q, job.ID, jobs.StateWaiting); job.Schedule != "morning" {
			t.Errorf("its job = %+v", job)
		}
		_, pauseErr := schedule.NewStore(t.Q).Pause(t.Context(), "morning", true)
		_, runErr := schedule.NewStore(t.Q).Run(t.Context(), "morning")
		for _, err := range []error{schedule.NewStore(t.Q).Remove(t.Context(), "morning"), pauseErr, runErr} {
			if !errors.Is(err, schedule.ErrNoSchedule) {
				t.Errorf("of a removed one: %v", err)
			}
		}
		young := jobstest.Daily("young")
		young.Start = 0
		young.Lookback = 0
		add(t, young)
		if _, err := schedule.NewStore(t.Q).Run(t.Context(), "young"); fault.CodeOf(err) != fault.CodeUsage {
			t.Errorf("Run() before there is a day = %v", err)
		}
	})
}

func TestTheLastTickOfASchedule(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		add(t, jobstest.Daily("morning"))
		jobstest.Fire(t, "morning", 22)
		jobstest.Fire(t, "morning", 23)
		first, _ := jobstest.TickAt(22)
		second, now := jobstest.TickAt(23)
		if got := jobstest.State(t, "morning", now).LastTick; !got.Equal(second) {
			t.Errorf("LastTick = %s, want %s", got, second)
		}
		if got := jobstest.State(t, "morning", second.Add(-time.Second)).LastTick; !got.Equal(first) {
			t.Errorf("LastTick before the second = %s, want %s", got, first)
		}
	})
}

func TestHistoryKeepsTheLastTicks(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		s := jobstest.Daily("morning")
		s.Start = day.New(2036, 1, 1) // no jobs
		add(t, s)
		first, _ := jobstest.TickAt(1)
		fireOn := func(n, later int) schedule.TickOutcome {
			t.Helper()
			tick, now := first.AddDate(0, 0, n), first.AddDate(0, 0, n+later)
			outcome, _, err := schedule.NewStore(t.Q).Fire(t.Context(), jobstest.State(t, "morning", now), tick, now)
			if err != nil {
				t.Fatal(err)
			}
			return outcome
		}
		for n := range 110 {
			if got := fireOn(n, 0); got != schedule.TickEmpty {
				t.Fatalf("tick %d: %q", n, got)
			}
		}
		history, err := schedule.NewStore(t.Q).History(t.Context(), "morning")
		if err != nil || len(history) != 100 || !history[0].Tick.Equal(first.AddDate(0, 0, 109)) {
			t.Errorf("%d ticks are kept, the newest of %s (%v)", len(history), history[0].Tick, err)
		}
		if got := fireOn(3, 106); got != "" { // forgotten
			t.Errorf("a tick older than the history fires again: %q", got)
		}
	})
}

// Ticks from a clock that was ahead neither fill the history nor displace entries from after the correction.
func TestTicksOfAClockThatRanAheadSilenceNothing(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		s := jobstest.Daily("morning")
		s.Start = day.New(2046, 1, 1) // no jobs
		add(t, s)
		first, _ := jobstest.TickAt(1)
		fireOn := func(n, later int) schedule.TickOutcome {
			t.Helper()
			tick, now := first.AddDate(0, 0, n), first.AddDate(0, 0, n+later)
			outcome, _, err := schedule.NewStore(t.Q).Fire(t.Context(), jobstest.State(t, "morning", now), tick, now)
			if err != nil {
				t.Fatal(err)
			}
			return outcome
		}
		for n := range 110 {
			fireOn(1000+n, 0)
		}
		for n := range 105 {
			if got := fireOn(n, 0); got != schedule.TickEmpty {
				t.Fatalf("tick %d after the clock was set back: %q", n, got)
			}
			if got := fireOn(n, 0); got != "" {
				t.Fatalf("tick %d fires again: %q", n, got)
			}
		}
		if got := fireOn(3, 101); got != "" { // forgotten
			t.Errorf("a tick older than the history fires again: %q", got)
		}
		history, err := schedule.NewStore(t.Q).History(t.Context(), "morning")
		if err != nil || len(history) != 200 || !history[199].Tick.Equal(first.AddDate(0, 0, 5)) {
			t.Errorf("%d ticks are kept, the oldest of %s (%v)", len(history), history[len(history)-1].Tick, err)
		}
	})
}

func TestValidateSchedule(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*jobs.Schedule)
		want   string
	}{
		{"name", func(s *jobs.Schedule) { s.Name = "a{b}" }, `"a{b}" is no name of a schedule`},
		{"stream", func(s *jobs.Schedule) { s.Stream = "people" }, `schedule x: there is no stream "people"`},
		{"start", func(s *jobs.Schedule) { s.Stream = "profiles" }, `schedule x: profiles have no days, and so no first day`},
		{"mode of a stream", func(s *jobs.Schedule) { s.Stream, s.Start, s.Mode = "cohorts", 0, jobs.ModeIncremental }, `schedule x: cohorts cannot be fetched in increments`},
		{"project zone", func(s *jobs.Schedule) { s.ProjectZone = "Local" }, `schedule x: time zone "Local" is not known`},
		{"zone", func(s *jobs.Schedule) { s.Zone = "Mars" }, `schedule x: time zone "Mars" is not known`},
		{"cron", func(s *jobs.Schedule) { s.Cron = "0 0 31 2 *" }, `schedule x: cron entry "0 0 31 2 *" never fires: no year has such a date`},
		{"mode", func(s *jobs.Schedule) { s.Mode = jobs.ModeReplace }, `schedule x: "replace" is no mode of a schedule of events`},
		{"overlap", func(s *jobs.Schedule) { s.Overlap = "kill" }, `schedule x: "kill" is no way to treat a job that still runs`},
		{"start before Mixpanel", func(s *jobs.Schedule) { s.Start = day.New(1970, 1, 2) }, `schedule x: 1970-01-02 is before 2009-01-01, the earliest day to fetch`},
		{"look-back", func(s *jobs.Schedule) { s.Lookback = -1 }, `schedule x: a look-back of -1 days is not between 0 and 365`},
		{"jitter", func(s *jobs.Schedule) { s.Jitter = 25 * time.Hour }, `schedule x: a jitter of 25h0m0s is not between 0 and 24h0m0s`},
		{"catch-up", func(s *jobs.Schedule) { s.CatchUp = 59 * time.Second }, `schedule x: a catch-up of 59s is less than a minute`},
		{"attempts", func(s *jobs.Schedule) { s.MaxAttempts = -1 }, `schedule x: -1 attempts are less than one`},
		{"priority", func(s *jobs.Schedule) { s.Priority = "urgent" }, `schedule x: "urgent" is no priority`},
		{"database", func(s *jobs.Schedule) { s.Database = "x" }, `schedule x: database "x" is not volume/path.db`},
		{"nothing", func(*jobs.Schedule) {}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := jobstest.Daily("x")
			tt.change(&s)
			err := s.Validate()
			if tt.want == "" && err == nil {
				return
			}
			if err == nil || err.Error() != tt.want || fault.CodeOf(err) != fault.CodeUsage {
				t.Errorf("Validate() = %v, want %s", err, tt.want)
			}
		})
	}
}

func TestJitterStaysBeforeTheNextTick(t *testing.T) {
	t.Parallel()
	s := jobstest.Daily("morning")
	s.Cron, s.Jitter = "*/5 * * * *", 30*time.Minute
	ticks, err := s.Ticks()
	if err != nil {
		t.Fatal(err)
	}
	late := map[time.Duration]bool{}
	tick, _ := jobstest.TickAt(1)
	for range 200 {
		tick = ticks.Next(tick)
		at := s.FiresAt(ticks, tick)
		if at.Before(tick) || !at.Before(ticks.Next(tick)) {
			t.Fatalf("tick %s fires at %s", tick, at)
		}
		for _, now := range []time.Time{tick.Add(-time.Nanosecond), at.Add(-time.Nanosecond)} {
			if next, err := s.NextRun(now); err != nil || next.Before(now) || next.After(at) {
				t.Fatalf("NextRun(%s) = %s, %v, want at most %s", now, next, err, at)
			}
		}
		late[at.Sub(tick)] = true
	}
	if len(late) < 10 {
		t.Errorf("all ticks are late by one of %v", late)
	}
}
