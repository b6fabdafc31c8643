package workspace_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// clock is a clock controlled by a test.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// due fetches the due days of r and returns how often each day was requested.
func (f *fixture) due(tb testing.TB, job string, r day.Range, due workspace.Due) (workspace.Progress, map[day.Day]int) {
	tb.Helper()
	before := f.asked()
	p := f.must(tb, workspace.FetchRequest{Table: "events", Days: r, Due: &due, Job: job})
	asked := map[day.Day]int{}
	for d, n := range f.asked() {
		if n > before[d] {
			asked[d] = n - before[d]
		}
	}
	return p, asked
}

// wantOnce fails unless exactly the days of the ranges were requested, each once.
func wantOnce(tb testing.TB, asked map[day.Day]int, ranges ...day.Range) {
	tb.Helper()
	n := 0
	for _, r := range ranges {
		for d := range r.All() {
			n++
			if asked[d] != 1 {
				tb.Errorf("%s was asked for %d times, want once", d, asked[d])
			}
		}
	}
	if len(asked) != n {
		tb.Errorf("%d days were asked for, want %d: %v", len(asked), n, asked)
	}
}

// coverage reads the database's coverage of days.
func (f *fixture) coverage(tb testing.TB, r day.Range) (all map[day.Day]storage.Coverage) {
	tb.Helper()
	e, err := storage.Open(tb.Context(), storage.Config{Path: f.path, ReadOnly: true, LockWait: patience})
	if err != nil {
		tb.Fatal(err)
	}
	defer e.Close()
	found, err := e.Coverage(tb.Context(), "events", r)
	if err != nil {
		tb.Fatal(err)
	}
	all = map[day.Day]storage.Coverage{}
	for _, c := range found {
		all[c.Day] = c
	}
	return all
}

func TestDueDaysAreMissingPartialOrYoung(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 30}, nil)
	all := days(t, "2026-11-01", "2026-11-22")
	for _, r := range []day.Range{days(t, "2026-11-03", "2026-11-06"), days(t, "2026-11-20", "2026-11-22")} {
		if _, err := f.fetch(t, r); err != nil {
			t.Fatal(err)
		}
	}
	p, asked := f.due(t, "first", all, workspace.Due{Lookback: 1})
	wantOnce(t, asked, days(t, "2026-11-01", "2026-11-02"), days(t, "2026-11-07", "2026-11-19"), days(t, "2026-11-21", "2026-11-22"))
	if p.DaysLeft != 0 || p.Rows != 17*30 {
		t.Errorf("progress = %+v, want %d rows and no days left", p, 17*30)
	}
	f.check(t, all)
	_, asked = f.due(t, "second", all, workspace.Due{Lookback: 3})
	wantOnce(t, asked, days(t, "2026-11-19", "2026-11-22"))
	before := len(f.fake.Requests())
	p, _ = f.due(t, "third", days(t, "2026-11-01", "2026-11-20"), workspace.Due{})
	if sent := len(f.fake.Requests()) - before; sent != 0 || p != (workspace.Progress{}) {
		t.Errorf("where nothing is due %d requests were sent, progress %+v", sent, p)
	}
	f.check(t, all)
}

func TestDueDaysComeNewestFirstInPieces(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 20}, nil)
	all := days(t, "2026-09-01", "2026-11-21")
	left := all.Len()
	for piece := 0; left > 0; piece++ {
		before := f.fake.Requests()
		p, _ := f.due(t, fmt.Sprintf("piece-%d", piece), all, workspace.Due{MaxWindows: 4})
		sent := f.fake.Requests()[len(before):]
		slices.SortFunc(sent, func(a, b mixpaneltest.Request) int { return int(b.Days.From - a.Days.From) }) // they run concurrently
		newest := all.From + day.Day(left)
		for _, r := range sent {
			if newest -= day.Day(r.Days.Len()); r.Days.From != newest {
				t.Fatalf("piece %d asks for %s, want it to begin on %s", piece, r.Days, newest)
			}
		}
		if len(sent) > 4 || p.WindowsDone != len(sent) || p.DaysLeft >= left || p.DaysLeft != int(newest-all.From) {
			t.Fatalf("piece %d: %d windows, %+v, %d days were left before", piece, len(sent), p, left)
		}
		left = p.DaysLeft
	}
	f.check(t, all)
}

// The windows of a job are counted over its attempts, and no day is fetched twice.
func TestDueDaysOfASecondAttempt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 20}, singleDays)
	all := days(t, "2026-11-12", "2026-11-22")
	in := f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status503, Days: days(t, "2026-11-21", "2026-11-21")})
	req := workspace.FetchRequest{Table: "events", Days: all, Due: &workspace.Due{Lookback: 4, MaxWindows: 5}, Job: "job"}
	if _, err := f.request(t, req); err == nil {
		t.Fatal("no error, though a day could not be had")
	}
	in[0].Remove()
	before := f.asked()
	p := f.must(t, req)
	again := map[day.Day]int{}
	for d, n := range f.asked() {
		if n > before[d] {
			again[d] = n - before[d]
		}
	}
	wantOnce(t, again, days(t, "2026-11-21", "2026-11-21"))
	if p.WindowsDone != 5 || p.DaysLeft != 6 {
		t.Errorf("progress = %+v, want 5 windows, and 6 days left", p)
	}
	f.check(t, days(t, "2026-11-18", "2026-11-22"))
}

// Days that Mixpanel no longer serves are marked once and never requested again; their stored data stays.
func TestDaysThatAreNoLongerServed(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)}
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 30}, func(p *mixpaneltest.Project, cfg *workspace.Config) {
		p.MaxPastDays, cfg.Now = 10, c.now
	})
	if _, err := f.fetch(t, days(t, "2026-11-08", "2026-11-09")); err != nil { // complete, and partial
		t.Fatal(err)
	}
	c.set(now)
	all := days(t, "2026-11-01", "2026-11-21")
	p, _ := f.due(t, "first", all, workspace.Due{Lookback: 2})
	served := days(t, "2026-11-12", "2026-11-21")
	if p.Unavailable != 9 || p.DaysLeft != 0 || p.Rows != int64(30*served.Len()) {
		t.Errorf("progress = %+v, want 9 days unavailable and %d days fetched", p, served.Len())
	}
	known := f.coverage(t, all)
	for d := range all.All() {
		state, rows, reason := storage.Unavailable, int64(0), "Date range exceeds 10 days into the past"
		switch {
		case served.Contains(d):
			state, rows, reason = storage.Complete, 30, ""
		case d == date(t, "2026-11-08"):
			state, rows, reason = storage.Complete, 30, ""
		case d == date(t, "2026-11-09"):
			state, rows = storage.Partial, 30
		}
		if got := known[d]; got.State != state || got.Rows != rows || got.Reason != reason {
			t.Errorf("%s: %+v, want %s, %d rows, %q", d, got, state, rows, reason)
		}
	}
	p, asked := f.due(t, "second", all, workspace.Due{Lookback: 2})
	wantOnce(t, asked, days(t, "2026-11-20", "2026-11-21"))
	if p.Unavailable != 9 {
		t.Errorf("progress = %+v, want 9 days unavailable", p)
	}
	_, err := f.fetch(t, all)
	if !workspace.Permanent(err) || fault.HintOf(err) != "request only the last 10 days" {
		t.Errorf("error of a fetch of all days = %v (try: %s), want a permanent one with the limit", err, fault.HintOf(err))
	}
}

// Even if nothing at all is available, the days are remembered, for this project only.
func TestNoDayIsServed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 30}, func(p *mixpaneltest.Project, _ *workspace.Config) { p.MaxPastDays = 10 })
	old := days(t, "2026-10-01", "2026-10-31")
	if p, _ := f.due(t, "first", old, workspace.Due{Lookback: 2}); p.Unavailable != 31 || p.Rows != 0 {
		t.Errorf("progress = %+v, want 31 days unavailable", p)
	}
	before := len(f.fake.Requests())
	if p, _ := f.due(t, "second", old, workspace.Due{Lookback: 2}); p.Unavailable != 31 || len(f.fake.Requests()) != before {
		t.Errorf("progress = %+v and %d requests, want 31 days unavailable and no request", p, len(f.fake.Requests())-before)
	}
	e, err := storage.Open(t.Context(), storage.Config{Path: f.path, LockWait: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	found, err := e.Prepare(t.Context(), storage.Table{Name: "events", Project: "777", Job: "other", Days: old})
	if err != nil || len(found.Coverage) != 0 {
		t.Errorf("another project finds %d days marked, %v", len(found.Coverage), err)
	}
}
