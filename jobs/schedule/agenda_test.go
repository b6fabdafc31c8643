package schedule_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

const agenda = "mixduck:{jobs}:agenda"

// spy calls see for each command before it is sent.
type spy struct{ see func(redis.Cmder) }

func (s *spy) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s *spy) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		s.see(cmd)
		return next(ctx, cmd)
	}
}

func (s *spy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			s.see(cmd)
		}
		return next(ctx, cmds)
	}
}

// agendaTest is a runner on a Redis, at half past nine, and what it has read.
type agendaTest struct {
	*testing.T
	mini   *miniredis.Miniredis
	queue  *queue.Queue // not that of the runner
	runner schedule.Runner
	spy    spy
	reads  int // of schedules, one at a time
}

// withSchedules runs a test with hourly schedules of these names.
func withSchedules(t *testing.T, test func(d *agendaTest), names ...string) {
	t.Helper()
	mini := miniredis.RunT(t)
	mini.SetTime(time.Date(2026, 1, 1, 9, 30, 0, 0, time.UTC))
	d := &agendaTest{T: t, mini: mini}
	dial := func() (*redis.Client, *queue.Queue) {
		rdb := redis.NewClient(&redis.Options{Addr: mini.Addr()})
		t.Cleanup(func() { _ = rdb.Close() })
		q, err := queue.New(rdb, queue.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return rdb, q
	}
	_, d.queue = dial()
	rdb, runners := dial()
	d.spy.see = func(cmd redis.Cmder) {
		if cmd.Name() == "hgetall" && strings.Contains(fmt.Sprint(cmd.Args()), ":schedule:") {
			d.reads++
		}
	}
	rdb.AddHook(&d.spy)
	d.runner = schedule.Runner{Queue: runners, Log: slog.New(slog.DiscardHandler)}
	for _, name := range names {
		if err := schedule.NewStore(d.queue).Add(t.Context(), hourly(name)); err != nil {
			t.Fatal(err)
		}
	}
	test(d)
}

// step looks at a time of that day, and returns how many schedules it has read.
func (d *agendaTest) step(clock string) (reads int) {
	d.Helper()
	at, err := time.Parse(time.DateTime, "2026-01-01 "+clock)
	if err != nil {
		d.Fatal(err)
	}
	d.mini.SetTime(at)
	d.reads = 0
	if err := d.runner.Step(d.Context()); err != nil {
		d.Errorf("at %s: %v", clock, err)
	}
	return d.reads
}

// fired returns how many ticks of a schedule have been handled.
func (d *agendaTest) fired(name string) int {
	d.Helper()
	history, err := schedule.NewStore(d.queue).History(d.Context(), name)
	if err != nil {
		d.Fatal(err)
	}
	return len(history)
}

// With `make soak`, of a hundred thousand.
func TestALookReadsOnlyWhatIsDue(t *testing.T) {
	t.Parallel()
	names := make([]string, 250)
	if proctest.Soak() {
		names = make([]string, 100_000)
	}
	for i := range names {
		names[i] = fmt.Sprint("s", i)
	}
	withSchedules(t, func(d *agendaTest) {
		for _, look := range []struct {
			clock string
			reads int
		}{
			{"09:30:00", len(names)}, // a new runner looks at all of them
			{"09:30:01", 0},
			{"09:59:59", 0},
			{"10:00:00", len(names)},
			{"10:00:01", 0},
		} {
			if reads := d.step(look.clock); reads != look.reads {
				d.Errorf("at %s: %d schedules are read, want %d", look.clock, reads, look.reads)
			}
		}
		for _, name := range names {
			if n := d.fired(name); n != 1 {
				d.Fatalf("%s has fired %d times, want once", name, n)
			}
		}
		if _, err := schedule.NewStore(d.queue).Pause(d.Context(), "s7", true); err != nil {
			d.Fatal(err)
		}
		if reads := d.step("10:00:02"); reads != 1 {
			d.Errorf("after a change, %d schedules are read, want 1", reads)
		}
	}, names...)
}

func TestADamagedAgendaIsMended(t *testing.T) {
	t.Parallel()
	withSchedules(t, func(d *agendaTest) {
		d.step("09:30:00")
		d.mini.Del(agenda)
		d.step("10:00:00")
		if _, err := d.mini.ZRem(agenda, "x"); err != nil {
			d.Fatal(err)
		}
		d.step("11:00:00")
		if _, err := d.mini.ZAdd(agenda, 0, "stranger"); err != nil {
			d.Fatal(err)
		}
		d.step("12:00:00")
		if all, err := d.mini.ZMembers(agenda); err != nil || strings.Join(all, " ") != "x y" {
			d.Errorf("agenda = %q, %v, want x and y", all, err)
		}
		if x, y := d.fired("x"), d.fired("y"); x != 3 || y != 3 {
			d.Errorf("fired %d and %d times, want 3", x, y)
		}
	}, "x", "y")
}

// A schedule that changes after it was read, and before it is put aside, is read again.
func TestAChangeDuringALookCounts(t *testing.T) {
	t.Parallel()
	withSchedules(t, func(d *agendaTest) {
		publish := func(cron string) {
			s := hourly("x")
			s.Cron = cron
			if _, err := schedule.NewStore(d.queue).Publish(d.Context(), "w1", []jobs.Schedule{s}, false); err != nil {
				d.Fatal(err)
			}
		}
		publish("@hourly")
		changed := false
		d.spy.see = func(cmd redis.Cmder) {
			if args := cmd.Args(); !changed && strings.HasPrefix(cmd.Name(), "eval") && args[3] == agenda {
				changed = true
				publish("31 9 * * *")
			}
		}
		d.step("09:30:00")
		if !changed {
			d.Fatal("the schedule was not put aside")
		}
		d.step("09:31:00")
		if n := d.fired("x"); n != 1 {
			d.Errorf("the changed schedule has fired %d times, want once", n)
		}
	})
}

func TestABrokenScheduleStopsNoOther(t *testing.T) {
	t.Parallel()
	withSchedules(t, func(d *agendaTest) {
		d.mini.HSet("mixduck:{jobs}:schedule:broken", "definition", "{")
		d.mini.SetTime(time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC))
		if err := d.runner.Step(d.Context()); err == nil || !strings.Contains(err.Error(), "schedule broken") {
			d.Errorf("Step() = %v, want an error about the broken schedule", err)
		}
		if n := d.fired("fine"); n != 1 {
			d.Errorf("the other schedule has fired %d times, want once", n)
		}
	}, "broken", "fine")
}
