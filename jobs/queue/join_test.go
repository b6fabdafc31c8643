package queue_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
	"mixduck/jobs/worker"
)

// change returns f after changes.
func change(f jobs.Fetch, by func(*jobs.Fetch)) jobs.Fetch {
	by(&f)
	return f
}

func TestCovers(t *testing.T) {
	t.Parallel()
	january := jobstest.Fetch("x", "events")
	in := func(mode jobs.Mode) jobs.Fetch { return change(january, func(f *jobs.Fetch) { f.Mode = mode }) }
	week := func(f jobs.Fetch) jobs.Fetch {
		return change(f, func(f *jobs.Fetch) { f.Days = day.Range{From: day.New(2025, 1, 25), To: day.New(2025, 1, 31)} })
	}
	only := func(names ...string) jobs.Fetch {
		return change(january, func(f *jobs.Fetch) { f.Events = names })
	}
	forced := change(january, func(f *jobs.Fetch) { f.Force = true })
	due := func(lookback, most int) jobs.Fetch {
		return change(january, func(f *jobs.Fetch) { f.Due = &jobs.Due{Lookback: lookback, MaxWindows: most} })
	}
	late := func(f jobs.Fetch, hour int) jobs.Fetch {
		return change(f, func(f *jobs.Fetch) { f.LateSince = time.Date(2025, 2, 1, hour, 0, 0, 0, time.UTC) })
	}
	stored := change(january, func(f *jobs.Fetch) { f.Days = day.Range{} })
	adopting := change(january, func(f *jobs.Fetch) { f.Adopt = true })
	spare := change(january, func(f *jobs.Fetch) { f.Spare = true })
	reports := func(ids ...int64) jobs.Fetch {
		return change(january, func(f *jobs.Fetch) {
			f.Stream, f.Mode, f.Days, f.ReportIDs = "reports", jobs.ModeFull, day.Range{}, ids
		})
	}
	tests := []struct {
		name string
		have jobs.Fetch
		want jobs.Fetch
		ok   bool
	}{
		{"all days cover those that are due", january, week(due(5, 1)), true},
		{"days that are due do not cover all", due(31, 0), january, false},
		{"a longer look-back covers a shorter one", due(5, 0), week(due(4, 3)), true},
		{"a shorter look-back does not cover a longer one", due(4, 0), due(5, 0), false},
		{"some windows cover the same ones", due(5, 3), due(5, 3), true},
		{"some windows of January are not those of a week", due(5, 3), week(due(5, 3)), false},
		{"some windows do not cover all", due(5, 3), due(5, 0), false},
		{"all days cover those with late events", january, late(week(january), 1), true},
		{"events that arrived since then include those since later", late(january, 1), late(week(january), 2), true},
		{"events that arrived later do not include those since then", late(january, 2), late(january, 1), false},
		{"days with late events do not cover all", late(january, 1), january, false},
		{"days with late events do not cover those that are due", late(january, 1), due(5, 0), false},
		{"all days that are stored include January", late(stored, 1), late(january, 1), true},
		{"January is not all days that are stored", late(january, 1), late(stored, 1), false},
		{"what may not adopt a file does not cover what may", january, adopting, false},
		{"what may adopt a file covers what may not", adopting, january, true},
		{"what takes spare requests covers its like", spare, spare, true},
		{"what takes spare requests may come too late", spare, january, false},
		{"what takes any request is as good as spare", january, spare, true},
		{"the same", january, january, true},
		{"days among others", january, week(january), true},
		{"days of which some are missing", week(january), january, false},
		{"a day more", january, change(january, func(f *jobs.Fetch) { f.Days.To++ }), false},
		{"another project", january, change(january, func(f *jobs.Fetch) { f.Project = "other" }), false},
		{"another database", january, jobstest.Fetch("y", "events"), false},
		{"another table", january, jobstest.Fetch("x", "other"), false},
		{"a table is the same in capitals", january, jobstest.Fetch("x", "EVENTS"), true},
		{"events in another order", only("A", "B"), only("B", "A", "A"), true},
		{"fewer events", only("A", "B"), only("A"), false},
		{"all events do not cover a table of some", january, only("A"), false},
		{"another expression", january, change(january, func(f *jobs.Fetch) { f.Where = "x" }), false},
		{"replacing covers adding", january, in(jobs.ModeAppend), true},
		{"adding does not cover replacing", in(jobs.ModeAppend), january, false},
		{"adding covers adding", in(jobs.ModeAppend), week(in(jobs.ModeAppend)), true},
		{"a new table covers its like", in(jobs.ModeReplace), in(jobs.ModeReplace), true},
		{"a new table with other days is another", in(jobs.ModeReplace), week(in(jobs.ModeReplace)), false},
		{"days do not cover a new table", january, in(jobs.ModeCreate), false},
		{"a new table covers no days", in(jobs.ModeCreate), january, false},
		{"force covers what is not forced", forced, january, true},
		{"but not the other way round", january, forced, false},
		{"reports in another order", reports(1, 2), reports(2, 1), true},
		{"other reports", reports(1, 2), reports(1, 3), false},
		{"some reports do not cover all", reports(1), reports(), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.have.Covers(tt.want); got != tt.ok {
				t.Errorf("Covers() = %v, want %v", got, tt.ok)
			}
		})
	}
}

func joinIn(t jobstest.Rig, f jobs.Fetch) jobs.Record {
	t.Helper()
	r, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: f, IfBusy: jobs.IfBusyJoin})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestJoinTakesAJobThatIsThere(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		holder, waiting := jobstest.Submit(t, t.Q, "x", "a"), jobstest.Submit(t, t.Q, "x", "b")
		for _, there := range []jobs.Record{holder, waiting} {
			if r := joinIn(t, there.Fetch); r.ID != there.ID || !r.Joined || r.State != there.State {
				t.Errorf("Submit() = %+v, want job %s joined", r, there.ID)
			}
		}
		if r := joinIn(t, jobstest.Fetch("x", "c")); r.Joined || r.Position != 2 {
			t.Errorf("Submit() = %+v, want a job of its own at the end of the line", r)
		}
		if all, err := t.Q.List(t.Context(), queue.Filter{}); err != nil || len(all) != 3 {
			t.Errorf("%d jobs, %v; want three", len(all), err)
		}
	})
}

func TestJoinTakesAJobThatIsAside(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		r := jobstest.Submit(t, t.Q, "x", "a")
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(context.Context, *jobs.Attempt) error {
			return jobs.PauseUntil(time.Now().Add(time.Hour), errors.New("budget"))
		})
		jobstest.AwaitState(t, t.Q, r.ID, jobs.StatePaused)
		if got := joinIn(t, r.Fetch); got.ID != r.ID {
			t.Errorf("Submit() = %+v, want the paused job joined", got)
		}
	})
}

func TestJoinLeavesAloneWhatWillNotDo(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		first := jobstest.Submit(t, t.Q, "x", "a")
		if _, err := t.Q.Cancel(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		second := joinIn(t, first.Fetch)
		if second.Joined || second.ID == first.ID {
			t.Errorf("Submit() = %+v, want a cancelled job left alone", second)
		}
		began := make(chan struct{})
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(ctx context.Context, _ *jobs.Attempt) error {
			began <- struct{}{}
			<-ctx.Done() // runs on
			<-time.After(time.Second)
			return ctx.Err()
		})
		<-began
		if r := joinIn(t, first.Fetch); r.ID != second.ID {
			t.Errorf("Submit() = %+v, want the running job joined", r)
		}
		if _, err := t.Q.Cancel(t.Context(), second.ID); err != nil {
			t.Fatal(err)
		}
		if r := joinIn(t, first.Fetch); r.Joined {
			t.Errorf("Submit() = %+v, want a job that is being cancelled left alone", r)
		}
	})
}

func TestJoinLooksAtWhatComesAfter(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		jobstest.Submit(t, t.Q, "x", "holder")
		covering := jobstest.Submit(t, t.Q, "x", "a")
		replacing := change(covering.Fetch, func(f *jobs.Fetch) { f.Mode = jobs.ModeReplace })
		if _, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: replacing}); err != nil {
			t.Fatal(err)
		}
		jobstest.Submit(t, t.Q, "x", "other")
		after := joinIn(t, covering.Fetch)
		if after.Joined {
			t.Error("joined a job whose rows another replaces")
		}
		if r := joinIn(t, covering.Fetch); r.ID != after.ID {
			t.Errorf("joined %s, want %s, which comes last", r.ID, after.ID)
		}
	})
}

func TestJoiningAtOnceMakesOneJob(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		jobstest.Submit(t, t.Q, "x", "holder")
		var all sync.WaitGroup
		var mu sync.Mutex
		ids := make(map[string]int)
		for range 8 {
			q := jobstest.NewQueue(t, t.Rdb)
			all.Go(func() {
				r, err := q.Submit(t.Context(), jobs.Request{Fetch: jobstest.Fetch("x", "a"), IfBusy: jobs.IfBusyJoin})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids[r.ID]++
			})
		}
		all.Wait()
		listed, err := t.Q.List(t.Context(), queue.Filter{})
		if err != nil || len(listed) != 2 || len(ids) != 1 {
			t.Errorf("%d jobs, of which %v were returned, %v; want one beside the holder", len(listed), ids, err)
		}
	})
}
