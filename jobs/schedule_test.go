package jobs_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
)

// daily returns a valid schedule.
func daily(name string) jobs.Schedule {
	return jobs.Schedule{
		Name: name, Project: "12345", ProjectZone: "America/New_York", Database: "main/" + name + ".db",
		Cron: "15 6 * * *", Zone: "UTC", Start: day.New(2026, 1, 1), Lookback: 5,
	}
}

func add(t rig, s jobs.Schedule) {
	t.Helper()
	if err := t.q.AddSchedule(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func state(t rig, name string, now time.Time) jobs.ScheduleState {
	t.Helper()
	s, err := t.q.Schedule(t.Context(), name, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tickAt is a tick of [daily] on a day of November, and a moment later.
func tickAt(d int) (tick, now time.Time) {
	tick = time.Date(2026, 11, d, 6, 15, 0, 0, time.UTC)
	return tick, tick.Add(300 * time.Millisecond)
}

// fire lets a schedule deal with the tick of a day of November.
func fire(t rig, name string, d int) (jobs.TickOutcome, jobs.Record) {
	t.Helper()
	tick, now := tickAt(d)
	outcome, job, err := t.q.Fire(t.Context(), state(t, name, now), tick, now)
	if err != nil {
		t.Fatal(err)
	}
	return outcome, job
}

// ended runs all jobs that wait, each with one window done and so many days left, or failing.
func ended(t rig, daysLeft int, err error, ids ...string) {
	t.Helper()
	w := startWorker(t, t.q, jobs.WorkerConfig{}, func(_ context.Context, a *jobs.Attempt) error {
		a.Report(jobs.Progress{WindowsDone: 1, DaysLeft: daysLeft})
		return err
	})
	for _, id := range ids {
		awaitState(t, t.q, id, jobs.StateDone, jobs.StateFailed)
	}
	w.stop()
}

func TestATickMakesOneJobHoweverManyAsk(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		add(t, daily("morning"))
		tick, now := tickAt(22)
		s := state(t, "morning", now)
		var made journal
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				outcome, job, err := newQueue(t, t.rdb).Fire(t.Context(), s, tick, now)
				if err != nil {
					t.Error(err)
				}
				if outcome != "" {
					made.add("%s %s", outcome, job.ID)
				}
			})
		}
		all.Wait()
		listed, err := t.q.List(t.Context(), jobs.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(listed) != 1 {
			t.Fatalf("%d jobs, want 1", len(listed))
		}
		if diff := cmp.Diff([]string{"job " + listed[0].ID}, made.all()); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		// 06:15 UTC is 01:15 in New York.
		want := jobs.Record{Schedule: "morning", Tick: tick, State: jobs.StateQueued, Priority: jobs.PriorityDefault, MaxAttempts: 5, Fetch: jobs.Fetch{
			Project: "12345", Database: "main/morning.db", Table: "events", Mode: jobs.ModeSync,
			Days: day.Range{From: day.New(2026, 1, 1), To: day.New(2026, 11, 21)}, Due: &jobs.Due{Lookback: 5, MaxWindows: 17},
		}}
		got := listed[0]
		got = jobs.Record{Schedule: got.Schedule, Tick: got.Tick, State: got.State, Priority: got.Priority, MaxAttempts: got.MaxAttempts, Fetch: got.Fetch}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("job (-want +got):\n%s", diff)
		}
		history, err := t.q.ScheduleHistory(t.Context(), "morning")
		if err != nil {
			t.Fatal(err)
		}
		wantTick := jobs.Tick{Tick: tick, Outcome: jobs.TickJob, Job: listed[0].ID, At: now}
		if diff := cmp.Diff([]jobs.Tick{wantTick}, history); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
	})
}

func TestWhatBecomesOfATick(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		queued := daily("queued")
		queued.Overlap = jobs.OverlapQueue
		late, early := daily("late"), daily("early")
		late.CatchUp, late.Jitter = time.Minute, time.Hour
		early.Start = day.New(2026, 11, 22)
		for _, s := range []jobs.Schedule{daily("skipping"), queued, late, early} {
			add(t, s)
		}
		expect := func(name string, d int, want jobs.TickOutcome) jobs.Record {
			t.Helper()
			got, job := fire(t, name, d)
			if got != want {
				t.Errorf("tick %d of %s: %q, want %q", d, name, got, want)
			}
			return job
		}
		first := expect("skipping", 22, jobs.TickJob)
		expect("skipping", 22, "")
		expect("skipping", 23, jobs.TickSkipped)
		expect("skipping", 23, "")
		ended(t, 0, nil, first.ID)
		expect("skipping", 24, jobs.TickJob)
		expect("skipping", 23, "")

		expect("queued", 22, jobs.TickJob)
		expect("queued", 23, jobs.TickSkipped)
		var second jobs.Record
		w := startWorker(t, t.q, jobs.WorkerConfig{}, func(ctx context.Context, _ *jobs.Attempt) error {
			<-ctx.Done()
			return ctx.Err()
		})
		eventually(t, "the job of the first tick runs", func() bool {
			found, err := t.q.List(t.Context(), jobs.Filter{Database: "main/queued.db", State: jobs.StateRunning})
			return err == nil && len(found) == 1
		})
		second = expect("queued", 24, jobs.TickJob)
		expect("queued", 25, jobs.TickSkipped)
		w.stop()
		if second.Position == 0 && second.State != jobs.StateWaiting {
			t.Errorf("the second job of the queue is %s", second.State)
		}

		ticks, err := late.Ticks()
		if err != nil {
			t.Fatal(err)
		}
		for d, want := range map[int]jobs.TickOutcome{22: jobs.TickJob, 23: jobs.TickMissed} {
			tick, _ := tickAt(d)
			now := late.FiresAt(ticks, tick).Add(time.Minute) // of which the first is within catch-up
			if want == jobs.TickMissed {
				now = now.Add(time.Millisecond)
			}
			if late.FiresAt(ticks, tick).Sub(tick) < time.Minute {
				t.Fatalf("tick %s has no jitter", tick)
			}
			outcome, _, err := t.q.Fire(t.Context(), state(t, "late", now), tick, now)
			if err != nil || outcome != want {
				t.Errorf("a tick that fires %s late: %q, %v; want %q", now.Sub(tick), outcome, err, want)
			}
			expect("late", d, "")
		}
		expect("early", 22, jobs.TickEmpty) // of the 21st
		expect("early", 23, jobs.TickJob)
	})
}

func TestPiecesFollowOneAnother(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		s := daily("morning")
		s.Events, s.Where, s.Priority = []string{"a"}, "true", jobs.PriorityHigh
		add(t, s)
		_, now := tickAt(22)
		follow := func() *jobs.Record {
			t.Helper()
			piece, err := t.q.FollowUp(t.Context(), state(t, "morning", now), now)
			if err != nil {
				t.Fatal(err)
			}
			return piece
		}
		_, first := fire(t, "morning", 22)
		if piece := follow(); piece != nil {
			t.Fatalf("piece %s comes before the tick's job has ended", piece.ID)
		}
		ended(t, 7, nil, first.ID)
		piece := follow()
		if piece == nil || follow() != nil {
			t.Fatal("want one piece, and no other before it has ended")
		}
		want := first.Fetch
		want.Due, want.Spare = &jobs.Due{MaxWindows: 12}, true
		if diff := cmp.Diff(want, piece.Fetch); diff != "" || piece.Piece != 1 || piece.Priority != jobs.PriorityLow || piece.Schedule != "morning" {
			t.Errorf("piece %d of %q, priority %s (-want +got):\n%s", piece.Piece, piece.Schedule, piece.Priority, diff)
		}
		// A tick's job that ends while a piece is not final waits for it with its own piece.
		_, second := fire(t, "morning", 23)
		w := startWorker(t, t.q, jobs.WorkerConfig{}, func(_ context.Context, a *jobs.Attempt) error {
			a.Report(jobs.Progress{WindowsDone: 1, DaysLeft: 3})
			if a.Record.Piece > 0 {
				return jobs.PauseUntil(time.Now().Add(time.Hour), errors.New("no budget"))
			}
			return nil
		})
		awaitState(t, t.q, second.ID, jobs.StateDone)
		w.stop()
		if other := follow(); other != nil {
			t.Errorf("piece %s beside piece %s, which is paused", other.ID, piece.ID)
		}
		if _, err := t.q.Cancel(t.Context(), piece.ID); err != nil {
			t.Fatal(err)
		}
		piece = follow()
		if piece == nil || piece.Piece != 1 || !piece.Tick.Equal(second.Tick) {
			t.Fatalf("piece after the second tick = %v", piece)
		}
		ended(t, 2, nil, piece.ID)
		if piece = follow(); piece == nil || piece.Piece != 2 {
			t.Fatalf("second piece = %v", piece)
		}
		ended(t, 2, jobs.Permanent(errors.New("broken")), piece.ID)
		if piece = follow(); piece != nil {
			t.Errorf("piece %d follows one that failed", piece.Piece)
		}
	})
}

func TestPublishedSchedules(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		publish := func(worker string, all ...jobs.Schedule) error {
			p, err := t.q.PublishSchedules(t.Context(), worker, all, false)
			return errors.Join(append(p.Refused, err)...)
		}
		mustPublish := func(worker string, all ...jobs.Schedule) {
			t.Helper()
			if err := publish(worker, all...); err != nil {
				t.Fatal(err)
			}
		}
		names := func() string {
			t.Helper()
			all, err := t.q.Schedules(t.Context(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, s := range all {
				b.WriteString(s.Name + s.Cron[:2] + strings.Join(s.Files, "+") + ";")
			}
			return b.String()
		}
		expect := func(want string) {
			t.Helper()
			if got := names(); got != want {
				t.Errorf("schedules %q, want %q", got, want)
			}
		}
		add(t, daily("mine"))
		mustPublish("w1", daily("a"), daily("b"))
		mustPublish("w2", daily("a"))
		expect("a15w1+w2;b15w1;mine15;")
		if _, err := t.q.PauseSchedule(t.Context(), "a", true); err != nil {
			t.Fatal(err)
		}
		before := state(t, "a", time.Now())
		mustPublish("w1", daily("a"))
		if diff := cmp.Diff(before, state(t, "a", time.Now()), cmp.AllowUnexported(jobs.ScheduleState{})); diff != "" {
			t.Errorf("a schedule that is published again (-before +after):\n%s", diff)
		}
		expect("a15w1+w2;mine15;")
		changed := daily("a")
		changed.Cron = "45 7 * * *"
		mustPublish("w2", changed)
		expect("a45w1+w2;mine15;")
		after := state(t, "a", time.Now())
		if !after.Paused || !after.Since.After(before.Since) || !after.CreatedAt.Equal(before.CreatedAt) {
			t.Errorf("after a change: paused %t, since %s (before: %s), created %s (%s)", after.Paused, after.Since, before.Since, after.CreatedAt, before.CreatedAt)
		}
		mustPublish("w1")
		expect("a45w2;mine15;")
		mustPublish("w2")
		expect("mine15;")

		bad := daily("bad")
		bad.Cron = "0 0 31 2 *"
		err := publish("w1", bad, daily("good"), daily("mine"))
		if !errors.Is(err, jobs.ErrScheduleTaken) || !strings.Contains(err.Error(), `schedule bad: cron entry "0 0 31 2 *" never fires`) {
			t.Errorf("publish = %v", err)
		}
		expect("good15w1;mine15;")
		if err := t.q.AddSchedule(t.Context(), daily("good")); !errors.Is(err, jobs.ErrScheduleTaken) {
			t.Errorf("adding one of a file's = %v", err)
		}
		other := daily("mine")
		other.Lookback = 1
		if err := t.q.AddSchedule(t.Context(), other); !errors.Is(err, jobs.ErrScheduleTaken) {
			t.Errorf("adding another of the name = %v", err)
		}
		if err := t.q.AddSchedule(t.Context(), daily("mine")); err != nil {
			t.Errorf("adding the same = %v", err)
		}
	})
}

func TestPauseResumeRunAndRemove(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		add(t, daily("morning"))
		for _, pause := range []bool{true, false} {
			for _, news := range []bool{true, false} {
				if got, err := t.q.PauseSchedule(t.Context(), "morning", pause); got != news || err != nil {
					t.Errorf("PauseSchedule(%t) = %t, %v, want %t", pause, got, err, news)
				}
			}
			outcome, _ := fire(t, "morning", 22)
			if want := map[bool]jobs.TickOutcome{true: "", false: jobs.TickJob}[pause]; outcome != want {
				t.Errorf("paused: %t: a tick made %q, want %q", pause, outcome, want)
			}
		}
		seen := state(t, "morning", time.Now())
		if _, err := t.q.PauseSchedule(t.Context(), "morning", true); err != nil {
			t.Fatal(err)
		}
		job, err := t.q.RunSchedule(t.Context(), "morning") // though one is not final, and it is paused
		if err != nil || job.Schedule != "morning" || !job.Tick.IsZero() || job.State != jobs.StateWaiting {
			t.Errorf("RunSchedule() = %+v, %v", job, err)
		}
		if last := state(t, "morning", time.Now()).LastJob; last != job.ID {
			t.Errorf("last job %s, want %s", last, job.ID)
		}
		if history, err := t.q.ScheduleHistory(t.Context(), "morning"); len(history) != 1 || err != nil {
			t.Errorf("history = %v, %v, want the tick alone", history, err)
		}
		if err := t.q.RemoveSchedule(t.Context(), "morning"); err != nil {
			t.Fatal(err)
		}
		tick, now := tickAt(23)
		if outcome, _, err := t.q.Fire(t.Context(), seen, tick, now); outcome != "" || err != nil {
			t.Errorf("a removed schedule fires: %q, %v", outcome, err)
		}
		if job := awaitState(t, t.q, job.ID, jobs.StateWaiting); job.Schedule != "morning" {
			t.Errorf("its job = %+v", job)
		}
		_, pauseErr := t.q.PauseSchedule(t.Context(), "morning", true)
		_, runErr := t.q.RunSchedule(t.Context(), "morning")
		for _, err := range []error{t.q.RemoveSchedule(t.Context(), "morning"), pauseErr, runErr} {
			if !errors.Is(err, jobs.ErrNoSchedule) {
				t.Errorf("of a removed one: %v", err)
			}
		}
		young := daily("young")
		young.Start = 0
		young.Lookback = 0
		add(t, young)
		if _, err := t.q.RunSchedule(t.Context(), "young"); fault.CodeOf(err) != fault.CodeUsage {
			t.Errorf("RunSchedule() before there is a day = %v", err)
		}
	})
}

func TestTheLastTickOfASchedule(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		add(t, daily("morning"))
		fire(t, "morning", 22)
		fire(t, "morning", 23)
		first, _ := tickAt(22)
		second, now := tickAt(23)
		if got := state(t, "morning", now).LastTick; !got.Equal(second) {
			t.Errorf("LastTick = %s, want %s", got, second)
		}
		if got := state(t, "morning", second.Add(-time.Second)).LastTick; !got.Equal(first) {
			t.Errorf("LastTick before the second = %s, want %s", got, first)
		}
	})
}

func TestHistoryKeepsTheLastTicks(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		s := daily("morning")
		s.Start = day.New(2036, 1, 1) // no jobs
		add(t, s)
		first, _ := tickAt(1)
		fireOn := func(n, later int) jobs.TickOutcome {
			t.Helper()
			tick, now := first.AddDate(0, 0, n), first.AddDate(0, 0, n+later)
			outcome, _, err := t.q.Fire(t.Context(), state(t, "morning", now), tick, now)
			if err != nil {
				t.Fatal(err)
			}
			return outcome
		}
		for n := range 110 {
			if got := fireOn(n, 0); got != jobs.TickEmpty {
				t.Fatalf("tick %d: %q", n, got)
			}
		}
		history, err := t.q.ScheduleHistory(t.Context(), "morning")
		if err != nil || len(history) != 100 || !history[0].Tick.Equal(first.AddDate(0, 0, 109)) {
			t.Errorf("%d ticks are kept, the newest of %s (%v)", len(history), history[0].Tick, err)
		}
		if got := fireOn(3, 106); got != "" { // which is forgotten
			t.Errorf("a tick older than the history fires again: %q", got)
		}
	})
}

// Ticks of a clock that ran ahead neither fill the history nor push out what is noted after it was set back.
func TestTicksOfAClockThatRanAheadSilenceNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		s := daily("morning")
		s.Start = day.New(2046, 1, 1) // no jobs
		add(t, s)
		first, _ := tickAt(1)
		fireOn := func(n, later int) jobs.TickOutcome {
			t.Helper()
			tick, now := first.AddDate(0, 0, n), first.AddDate(0, 0, n+later)
			outcome, _, err := t.q.Fire(t.Context(), state(t, "morning", now), tick, now)
			if err != nil {
				t.Fatal(err)
			}
			return outcome
		}
		for n := range 110 {
			fireOn(1000+n, 0)
		}
		for n := range 105 {
			if got := fireOn(n, 0); got != jobs.TickEmpty {
				t.Fatalf("tick %d after the clock was set back: %q", n, got)
			}
			if got := fireOn(n, 0); got != "" {
				t.Fatalf("tick %d fires again: %q", n, got)
			}
		}
		if got := fireOn(3, 101); got != "" { // which is forgotten
			t.Errorf("a tick older than the history fires again: %q", got)
		}
		history, err := t.q.ScheduleHistory(t.Context(), "morning")
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
		{"stream", func(s *jobs.Schedule) { s.Stream = "profiles" }, `schedule x: stream "profiles" cannot be scheduled`},
		{"project zone", func(s *jobs.Schedule) { s.ProjectZone = "Local" }, `schedule x: time zone "Local" is not known`},
		{"zone", func(s *jobs.Schedule) { s.Zone = "Mars" }, `schedule x: time zone "Mars" is not known`},
		{"cron", func(s *jobs.Schedule) { s.Cron = "0 0 31 2 *" }, `schedule x: cron entry "0 0 31 2 *" never fires: no year has such a date`},
		{"mode", func(s *jobs.Schedule) { s.Mode = jobs.ModeReplace }, `schedule x: "replace" is no mode of a schedule`},
		{"overlap", func(s *jobs.Schedule) { s.Overlap = "kill" }, `schedule x: "kill" is no way to treat a job that still runs`},
		{"look-back", func(s *jobs.Schedule) { s.Lookback = -1 }, `schedule x: a look-back of -1 days is not between 0 and 365`},
		{"jitter", func(s *jobs.Schedule) { s.Jitter = 25 * time.Hour }, `schedule x: a jitter of 25h0m0s is not between 0 and 24h0m0s`},
		{"catch-up", func(s *jobs.Schedule) { s.CatchUp = 59 * time.Second }, `schedule x: a catch-up of 59s is less than a minute`},
		{"attempts", func(s *jobs.Schedule) { s.MaxAttempts = -1 }, `schedule x: -1 attempts are less than one`},
		{"priority", func(s *jobs.Schedule) { s.Priority = "urgent" }, `schedule x: "urgent" is no priority`},
		{"database", func(s *jobs.Schedule) { s.Database = "x" }, `schedule x: database "x" names no file in a volume`},
		{"nothing", func(*jobs.Schedule) {}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := daily("x")
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
	s := daily("morning")
	s.Cron, s.Jitter = "*/5 * * * *", 30*time.Minute
	ticks, err := s.Ticks()
	if err != nil {
		t.Fatal(err)
	}
	late := map[time.Duration]bool{}
	tick, _ := tickAt(1)
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
