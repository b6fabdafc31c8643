package workspace_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// checkWhole compares the stored days with Mixpanel's, and returns their number.
func (f *fixture) checkWhole(tb testing.TB) (stored int) {
	tb.Helper()
	e, err := storage.Open(tb.Context(), storage.Config{Path: f.path, ReadOnly: true, LockWait: patience})
	if errors.Is(err, storage.ErrNotFound) {
		return 0
	}
	if err != nil {
		tb.Fatal(err)
	}
	all, err := e.Coverage(tb.Context(), "events", days(tb, "2020-01-01", "2026-11-22"))
	if err := errors.Join(err, e.Close()); err != nil {
		tb.Fatal(err)
	}
	var rows []row
	for _, c := range all {
		wanted, _, _ := f.truth(tb, day.Range{From: c.Day, To: c.Day})
		rows = append(rows, wanted...)
	}
	f.compare(tb, rows)
	return len(all)
}

func TestQuotaPausesTheFetch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, singleDays)
	r := days(t, "2026-11-01", "2026-11-12")
	in := f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, RetryAfter: 25 * time.Minute, Days: day.Range{From: r.From + 4, To: r.From + 4}})
	req := workspace.FetchRequest{Table: "events", Days: r, Job: "job"}
	p, err := f.request(t, req)
	pause, ok := errors.AsType[*workspace.PauseError](err)
	if !ok || !pause.Until.Equal(now.Add(25*time.Minute)) || fault.CodeOf(err) != fault.CodeRateLimited || workspace.Permanent(err) {
		t.Fatalf("error = %v, want a pause until %s", err, now.Add(25*time.Minute))
	}
	if in[0].Hits() != 1 {
		t.Errorf("%d requests were refused, want one", in[0].Hits())
	}
	f.wantEmptySpool(t)
	if stored := f.checkWhole(t); stored < 4 || stored > 11 || p.Rows != int64(50*stored) {
		t.Errorf("%d days are stored, progress %+v; want those before the refusal", stored, p)
	}
	in[0].Remove()
	before := f.asked()
	f.must(t, req)
	f.check(t, r)
	for d, n := range f.asked() {
		if n > 2 || before[d] == 1 && n > 1+btoi(d == r.From+4) {
			t.Errorf("%s was asked for %d times", d, n)
		}
	}
}

// Permanent failures are not retried, neither for the same window nor for others.
func TestPermanentErrorsStopAtOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  mixpaneltest.Kind
		change func(*mixpaneltest.Project, *workspace.Config)
		code   fault.Code
		text   string
	}{
		{"wrong credentials", "", func(p *mixpaneltest.Project, _ *workspace.Config) { p.Secret = "changed" }, fault.CodeAuth, ""},
		{"another project", "", func(_ *mixpaneltest.Project, c *workspace.Config) { c.Project.ID = 99 }, fault.CodeAuth, ""},
		{"the plan lacks it", mixpaneltest.Status402, nil, fault.CodeFailed, "402"},
		{"too far back", mixpaneltest.Status403, nil, fault.CodeUsage, "403"},
		{"a day that has not begun where the project is", "", func(_ *mixpaneltest.Project, c *workspace.Config) {
			c.Project.Location = location(t, "Pacific/Kiritimati")
		}, fault.CodeUsage, "later than today"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 20}, tt.change)
			if tt.fault != "" {
				f.inject(t, mixpaneltest.Fault{Kind: tt.fault})
			}
			r := days(t, "2026-10-01", "2026-11-20")
			if tt.text == "later than today" {
				r = days(t, "2026-11-23", "2026-11-23")
			}
			_, err := f.fetch(t, r)
			if err == nil || !workspace.Permanent(err) && fault.CodeOf(err) != fault.CodeAuth || fault.CodeOf(err) != tt.code ||
				!strings.Contains(err.Error(), tt.text) || fault.HintOf(err) == "" {
				t.Fatalf("error = %v (%s), want one of code %s", err, fault.CodeOf(err), tt.code)
			}
			if sent := len(f.fake.Requests()); sent > 6 {
				t.Errorf("%d requests were sent, want those that were under way", sent)
			}
			f.wantEmptySpool(t)
			if stored := f.checkWhole(t); stored != 0 {
				t.Errorf("%d days are stored", stored)
			}
		})
	}
}

// When nothing works any more, a fetch gives up after a limited number of requests, and names all days.
func TestServerDown(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 20}, nil)
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status503})
	r := days(t, "2026-09-01", "2026-10-30")
	_, err := f.fetch(t, r)
	failed, ok := errors.AsType[*workspace.DaysError](err)
	if !ok || workspace.Permanent(err) || fault.HintOf(err) == "" {
		t.Fatalf("error = %v, want a *DaysError that passes", err)
	}
	named := map[day.Day]int{}
	for _, x := range failed.Failed {
		for d := range x.Days.All() {
			named[d]++
		}
	}
	for d := range r.All() {
		if named[d] != 1 {
			t.Errorf("%s is named %d times, want once", d, named[d])
		}
	}
	if len(named) != r.Len() || !strings.Contains(err.Error(), "60 of 60 days") {
		t.Errorf("error = %v, want all days of %s", err, r)
	}
	if sent := len(f.fake.Requests()); sent > 20 {
		t.Errorf("%d requests were sent to a server that is down", sent)
	}
	f.wantEmptySpool(t)
}

// A drain commits what is being loaded, drops the rest, and leaves nothing incomplete.
func TestDrain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 100}, nil)
	r := days(t, "2026-11-01", "2026-11-08")
	in := f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Stall, Days: day.Range{From: r.From + 3, To: r.From + 3}})
	drain := make(chan struct{})
	req := workspace.FetchRequest{Table: "events", Days: r, Job: "job", Drain: drain}
	go func() {
		<-in[0].Reached()
		close(drain)
	}()
	p, err := f.request(t, req)
	if !errors.Is(err, workspace.ErrDrained) || workspace.Permanent(err) {
		t.Fatalf("error = %v, want %v", err, workspace.ErrDrained)
	}
	f.wantEmptySpool(t)
	if stored := f.checkWhole(t); stored > 7 || p.Rows != int64(100*stored) {
		t.Errorf("%d days are stored, progress %+v", stored, p)
	}
	in[0].Remove()
	req.Drain = nil
	f.must(t, req)
	f.check(t, r)
}

func TestDrainBeforeTheBeginning(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 20}, nil)
	drain := make(chan struct{})
	close(drain)
	r := days(t, "2026-11-01", "2026-11-20")
	if _, err := f.request(t, workspace.FetchRequest{Table: "events", Days: r, Drain: drain}); !errors.Is(err, workspace.ErrDrained) {
		t.Errorf("error = %v, want %v", err, workspace.ErrDrained)
	}
	if sent := len(f.fake.Requests()); sent > 6 {
		t.Errorf("%d requests were sent", sent)
	}
	f.checkWhole(t)
}

var errCancelled = errors.New("cancelled by the test")

func TestCancel(t *testing.T) {
	t.Parallel()
	for _, after := range []int{0, 1, 3} {
		t.Run(fmt.Sprintf("after %d windows", after), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 100}, singleDays)
			r := days(t, "2026-11-01", "2026-11-08")
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			in := f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Days: day.Range{From: r.From + 6, To: r.To}})
			req := workspace.FetchRequest{Table: "events", Days: r, Job: "job"}
			began := time.Now()
			_, err := f.FetchEvents(ctx, req, func(p workspace.Progress) {
				if p.WindowsDone >= after {
					cancel(errCancelled)
				}
			})
			if !errors.Is(err, errCancelled) {
				t.Fatalf("error = %v, want %v", err, errCancelled)
			}
			if took := time.Since(began); took > patience/2 {
				t.Errorf("the cancel took %s", took)
			}
			f.wantEmptySpool(t)
			if stored := f.checkWhole(t); stored < after {
				t.Errorf("%d days are stored, want at least %d", stored, after)
			}
			in[0].Remove()
			f.must(t, req)
			f.check(t, r)
		})
	}
}

// An empty response is accepted only the second time, because a lost one can look the same.
func TestEmptyAnswers(t *testing.T) {
	t.Parallel()
	gap := func(from, to string) mixpaneltest.Generator {
		g := mixpaneltest.Generator{Seed: 1}
		no := days(t, from, to)
		g.EventsOn = func(d day.Day) int {
			if no.Contains(d) {
				return 0
			}
			return 50
		}
		return g
	}
	t.Run("days without events", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, gap("2026-11-02", "2026-11-02"), singleDays)
		r := days(t, "2026-11-01", "2026-11-03")
		f.must(t, workspace.FetchRequest{Table: "events", Days: r})
		f.check(t, r)
		if n := f.asked()[r.From+1]; n != 2 {
			t.Errorf("the empty day was asked for %d times, want 2", n)
		}
		if n := f.asked()[r.From]; n != 1 {
			t.Errorf("another day was asked for %d times, want 1", n)
		}
		if stored := f.checkWhole(t); stored != 3 {
			t.Errorf("%d days are stored, want 3: the empty one too", stored)
		}
	})
	t.Run("a body that got lost once", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, nil)
		f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.EmptyBody, Times: 1})
		r := days(t, "2026-11-01", "2026-11-03")
		f.must(t, workspace.FetchRequest{Table: "events", Days: r})
		f.check(t, r)
	})
}

// Days that Mixpanel no longer has, or has with far fewer events, are kept, and the others are still fetched.
func TestDaysThatMixpanelHasLost(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]int{"all events": 0, "most events": 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lost := days(t, "2026-10-06", "2026-10-08")
			var isLost atomic.Bool
			f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsOn: func(d day.Day) int {
				if isLost.Load() && lost.Contains(d) {
					return left
				}
				return 50
			}}, nil)
			r := days(t, "2026-10-01", "2026-10-20")
			f.must(t, workspace.FetchRequest{Table: "events", Days: r, Job: "first"})
			isLost.Store(true)
			_, err := f.request(t, workspace.FetchRequest{Table: "events", Days: r, Job: "second"})
			failed, ok := errors.AsType[*workspace.DaysError](err)
			if !ok || !workspace.Permanent(err) || !strings.Contains(fault.HintOf(err), "--force") {
				t.Fatalf("error = %v, want one about the days that would be lost", err)
			}
			var named []day.Day
			for _, x := range failed.Failed {
				named = append(named, slices.Collect(x.Days.All())...)
			}
			slices.Sort(named)
			if !slices.Equal(named, slices.Collect(lost.All())) {
				t.Errorf("%v are named, want %s", named, lost)
			}
			if n := f.text(t, "SELECT count(*) FROM mixduck.coverage WHERE job_id = 'second'"); n != "17" {
				t.Errorf("%s days were fetched again, want 17", n)
			}
			isLost.Store(false)
			f.check(t, r)
			isLost.Store(true)
			f.must(t, workspace.FetchRequest{Table: "events", Days: r, Force: true, Job: "third"})
			f.check(t, r)
		})
	}
}
