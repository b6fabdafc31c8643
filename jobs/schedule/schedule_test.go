package schedule_test

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
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
	"mixduck/jobs/worker"
)

func add(t jobstest.Rig, s jobs.Schedule) {
	t.Helper()
	if err := schedule.NewStore(t.Q).Add(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func TestATickMakesOneJobHoweverManyAsk(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		add(t, jobstest.Daily("morning"))
		tick, now := jobstest.TickAt(22)
		s := jobstest.State(t, "morning", now)
		var made jobstest.Journal
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				outcome, job, err := schedule.NewStore(jobstest.NewQueue(t, t.Rdb)).Fire(t.Context(), s, tick, now)
				if err != nil {
					t.Error(err)
				}
				if outcome != "" {
					made.Add("%s %s", outcome, job.ID)
				}
			})
		}
		all.Wait()
		listed, err := t.Q.List(t.Context(), queue.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(listed) != 1 {
			t.Fatalf("%d jobs, want 1", len(listed))
		}
		if diff := cmp.Diff([]string{"job " + listed[0].ID}, made.All()); diff != "" {
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
		history, err := schedule.NewStore(t.Q).History(t.Context(), "morning")
		if err != nil {
			t.Fatal(err)
		}
		wantTick := schedule.Tick{Tick: tick, Outcome: schedule.TickJob, Job: listed[0].ID, At: now}
		if diff := cmp.Diff([]schedule.Tick{wantTick}, history); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
	})
}

func TestWhatBecomesOfATick(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		queued := jobstest.Daily("queued")
		queued.Overlap = jobs.OverlapQueue
		late, early := jobstest.Daily("late"), jobstest.Daily("early")
		late.CatchUp, late.Jitter = time.Minute, time.Hour
		early.Start = day.New(2026, 11, 22)
		for _, s := range []jobs.Schedule{jobstest.Daily("skipping"), queued, late, early} {
			add(t, s)
		}
		expect := func(name string, d int, want schedule.TickOutcome) jobs.Record {
			t.Helper()
			got, job := jobstest.Fire(t, name, d)
			if got != want {
				t.Errorf("tick %d of %s: %q, want %q", d, name, got, want)
			}
			return job
		}
		first := expect("skipping", 22, schedule.TickJob)
		expect("skipping", 22, "")
		expect("skipping", 23, schedule.TickSkipped)
		expect("skipping", 23, "")
		jobstest.Ended(t, 0, nil, first.ID)
		expect("skipping", 24, schedule.TickJob)
		expect("skipping", 23, "")

		expect("queued", 22, schedule.TickJob)
		expect("queued", 23, schedule.TickSkipped)
		var second jobs.Record
		w := jobstest.StartWorker(t, t.Q, worker.Config{}, func(ctx context.Context, _ *jobs.Attempt) error {
			<-ctx.Done()
			return ctx.Err()
		})
		jobstest.Eventually(t, "the job of the first tick runs", func() bool {
			found, err := t.Q.List(t.Context(), queue.Filter{Database: "main/queued.db", State: jobs.StateRunning})
			return err == nil && len(found) == 1
		})
		second = expect("queued", 24, schedule.TickJob)
		expect("queued", 25, schedule.TickSkipped)
		w.Stop()
		if second.Position == 0 && second.State != jobs.StateWaiting {
			t.Errorf("the second job of the queue is %s", second.State)
		}

		ticks, err := late.Ticks()
		if err != nil {
			t.Fatal(err)
		}
		for d, want := range map[int]schedule.TickOutcome{22: schedule.TickJob, 23: schedule.TickMissed} {
			tick, _ := jobstest.TickAt(d)
			now := late.FiresAt(ticks, tick).Add(time.Minute) // the first of these is within the catch-up time
			if want == schedule.TickMissed {
				now = now.Add(time.Millisecond)
			}
			if late.FiresAt(ticks, tick).Sub(tick) < time.Minute {
				t.Fatalf("tick %s has no jitter", tick)
			}
			outcome, _, err := schedule.NewStore(t.Q).Fire(t.Context(), jobstest.State(t, "late", now), tick, now)
			if err != nil || outcome != want {
				t.Errorf("a tick that fires %s late: %q, %v; want %q", now.Sub(tick), outcome, err, want)
			}
			expect("late", d, "")
		}
		expect("early", 22, schedule.TickEmpty) // of the 21st
		expect("early", 23, schedule.TickJob)
	})
}

func TestPiecesFollowOneAnother(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		s := jobstest.Daily("morning")
		s.Events, s.Where, s.Priority = []string{"a"}, "true", jobs.PriorityHigh
		add(t, s)
		_, now := jobstest.TickAt(22)
		follow := func() *jobs.Record {
			t.Helper()
			piece, err := schedule.NewStore(t.Q).FollowUp(t.Context(), jobstest.State(t, "morning", now), now)
			if err != nil {
				t.Fatal(err)
			}
			return piece
		}
		_, first := jobstest.Fire(t, "morning", 22)
		if piece := follow(); piece != nil {
			t.Fatalf("piece %s comes before the tick's job has ended", piece.ID)
		}
		jobstest.Ended(t, 7, nil, first.ID)
		piece := follow()
		if piece == nil || follow() != nil {
			t.Fatal("want one piece, and no other before it has ended")
		}
		want := first.Fetch
		want.Due, want.Spare = &jobs.Due{MaxWindows: 12}, true
		if diff := cmp.Diff(want, piece.Fetch); diff != "" || piece.Piece != 1 || piece.Priority != jobs.PriorityLow || piece.Schedule != "morning" {
			t.Errorf("piece %d of %q, priority %s (-want +got):\n%s", piece.Piece, piece.Schedule, piece.Priority, diff)
		}
		// If a tick's job ends while a piece is not final, its own piece waits for that.
		_, second := jobstest.Fire(t, "morning", 23)
		w := jobstest.StartWorker(t, t.Q, worker.Config{}, func(_ context.Context, a *jobs.Attempt) error {
			a.Report(jobs.Progress{WindowsDone: 1, DaysLeft: 3})
			if a.Record.Piece > 0 {
				return jobs.PauseUntil(time.Now().Add(time.Hour), errors.New("no budget"))
			}
			return nil
		})
		jobstest.AwaitState(t, t.Q, second.ID, jobs.StateDone)
		w.Stop()
		if other := follow(); other != nil {
			t.Errorf("piece %s beside piece %s, which is paused", other.ID, piece.ID)
		}
		if _, err := t.Q.Cancel(t.Context(), piece.ID); err != nil {
			t.Fatal(err)
		}
		piece = follow()
		if piece == nil || piece.Piece != 1 || !piece.Tick.Equal(second.Tick) {
			t.Fatalf("piece after the second tick = %v", piece)
		}
		jobstest.Ended(t, 2, nil, piece.ID)
		if piece = follow(); piece == nil || piece.Piece != 2 {
			t.Fatalf("second piece = %v", piece)
		}
		jobstest.Ended(t, 2, jobs.Permanent(errors.New("broken")), piece.ID)
		if piece = follow(); piece != nil {
			t.Errorf("piece %d follows one that failed", piece.Piece)
		}
	})
}

func TestPublishedSchedules(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		publish := func(worker string, all ...jobs.Schedule) error {
			p, err := schedule.NewStore(t.Q).Publish(t.Context(), worker, all, false)
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
			all, err := schedule.NewStore(t.Q).List(t.Context(), time.Now())
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
		add(t, jobstest.Daily("mine"))
		mustPublish("w1", jobstest.Daily("a"), jobstest.Daily("b"))
		mustPublish("w2", jobstest.Daily("a"))
		expect("a15w1+w2;b15w1;mine15;")
		if _, err := schedule.NewStore(t.Q).Pause(t.Context(), "a", true); err != nil {
			t.Fatal(err)
		}
		before := jobstest.State(t, "a", time.Now())
		mustPublish("w1", jobstest.Daily("a"))
		if diff := cmp.Diff(before, jobstest.State(t, "a", time.Now()), cmp.AllowUnexported(schedule.State{})); diff != "" {
			t.Errorf("a schedule that is published again (-before +after):\n%s", diff)
		}
		expect("a15w1+w2;mine15;")
		changed := jobstest.Daily("a")
		changed.Cron = "45 7 * * *"
		mustPublish("w2", changed)
		expect("a45w1+w2;mine15;")
		after := jobstest.State(t, "a", time.Now())
		if !after.Paused || !after.Since.After(before.Since) || !after.CreatedAt.Equal(before.CreatedAt) {
			t.Errorf("after a change: paused %t, since %s (before: %s), created %s (%s)", after.Paused, after.Since, before.Since, after.CreatedAt, before.CreatedAt)
		}
		mustPublish("w1")
		expect("a45w2;mine15;")
		mustPublish("w2")
		expect("mine15;")

		bad := jobstest.Daily("bad")
		bad.Cron = "0 0 31 2 *"
		err := publish("w1", bad, jobstest.Daily("good"), jobstest.Daily("mine"))
		if !errors.Is(err, schedule.ErrScheduleTaken) || !strings.Contains(err.Error(), `schedule bad: cron entry "0 0 31 2 *" never fires`) {
			t.Errorf("publish = %v", err)
		}
		expect("good15w1;mine15;")
		if err := schedule.NewStore(t.Q).Add(t.Context(), jobstest.Daily("good")); !errors.Is(err, schedule.ErrScheduleTaken) {
			t.Errorf("adding one of a file's = %v", err)
		}
		other := jobstest.Daily("mine")
		other.Lookback = 1
		if err := schedule.NewStore(t.Q).Add(t.Context(), other); !errors.Is(err, schedule.ErrScheduleTaken) {
			t.Errorf("adding another of the name = %v", err)
		}
		if err := schedule.NewStore(t.Q).Add(t.Context(), jobstest.Daily("mine")); err != nil {
			t.Errorf("adding the same = %v", err)
		}
	})
}
