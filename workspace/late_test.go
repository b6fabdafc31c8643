package workspace_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// late fetches the late events of all stored days, and returns the requests that it took.
func (f *fixture) late(tb testing.TB, job string, since time.Time) (p workspace.Progress, requests []mixpaneltest.Request) {
	tb.Helper()
	before := len(f.fake.Requests())
	p = f.must(tb, workspace.FetchRequest{Table: "events", LateSince: since, Job: job})
	return p, f.fake.Requests()[before:]
}

// During a week in which events arrive up to five days late, the file has exactly Mixpanel's data each morning, with a
// lookback or with a fetch of late events. What the latter counts as new is what has arrived since.
func TestAWeekOfLateEvents(t *testing.T) {
	t.Parallel()
	los, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []*time.Location{time.UTC, los} {
		for _, way := range []string{"look-back", "late events"} {
			t.Run(way+" in "+zone.String(), func(t *testing.T) {
				t.Parallel()
				week(t, zone, way == "look-back")
			})
		}
	}
}

func week(t *testing.T, zone *time.Location, lookBack bool) {
	t.Helper()
	start := date(t, "2026-11-02")
	morning := func(d day.Day) time.Time { return d.Start(zone).Add(6*time.Hour + 15*time.Minute) }
	c := &clock{at: morning(start)}
	f := newFixture(t, mixpaneltest.Generator{Seed: 7, EventsPerDay: 60, Now: c.now}, func(p *mixpaneltest.Project, cfg *workspace.Config) {
		cfg.Now = c.now
		if zone != time.UTC {
			p.Location, p.ShiftedTimes = zone, true
			cfg.Project.Location, cfg.Project.Shifted = zone, true
		}
	})
	stored, changed := int64(0), int64(0)
	for d := start + 1; d <= start+8; d++ {
		c.set(morning(d))
		all := day.Range{From: start, To: d - 1}
		due := workspace.Due{}
		if lookBack {
			due.Lookback = 6
		} else if d > start+1 {
			p, requests := f.late(t, "late-"+d.String(), morning(d-1))
			if len(requests) > 2 {
				t.Errorf("%s: %d requests for late events, want one or two", d, len(requests))
			}
			if p.Removed != 0 || p.Updated != 0 || p.Added > 0 && p.LateDays == "" {
				t.Errorf("%s: progress = %+v, want nothing removed or updated", d, p)
			}
			stored += p.Added
			changed += p.Added
		}
		p, _ := f.due(t, "due-"+d.String(), all, due)
		if lookBack {
			changed += p.Added
		} else {
			stored += p.Rows
		}
		truth := f.check(t, all)
		if !lookBack && stored != int64(len(truth.Rows)) {
			t.Errorf("%s: %d rows were counted as new, want %d", d, stored, len(truth.Rows))
		}
	}
	if changed == 0 {
		t.Error("no event was late: the test shows nothing")
	}
}

// The days are those with late events of the table; days in between are fetched too.
func TestLateEventsOfATableWithAFilter(t *testing.T) {
	t.Parallel()
	const where = `properties["plan"] == "pro"`
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 200}, nil)
	in := f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.LateRows, Days: days(t, "2026-11-04", "2026-11-04"), FromRequest: 2, Every: 3})
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.LateRows, Days: days(t, "2026-11-08", "2026-11-08"), FromRequest: 2, Every: 3})
	all := days(t, "2026-11-01", "2026-11-12")
	f.must(t, workspace.FetchRequest{Table: "events", Days: all, Where: where, Job: "first"})
	before := len(f.fake.Requests())
	p := f.must(t, workspace.FetchRequest{Table: "events", LateSince: date(t, "2026-11-08").Start(time.UTC), Days: days(t, "2026-11-01", "2026-11-05"), Where: where, Job: "late"})
	requests := f.fake.Requests()[before:]
	if in[0].Hits() == 0 || len(requests) != 2 || !strings.HasPrefix(requests[0].Where, "("+where+") and (number(") || requests[0].Days != days(t, "2026-11-01", "2026-11-05") {
		t.Fatalf("requests = %+v, want one that looks for late events and one that fetches", requests)
	}
	if p.Added == 0 || !strings.Contains(p.LateDays, "2026-11-04") || p.Removed+p.Updated != 0 {
		t.Errorf("progress = %+v, want rows of 2026-11-04 added", p)
	}
}

// If nothing is late, this is verified and nothing is fetched; if nothing is stored, nothing is requested.
func TestNothingIsLate(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, nil)
	if p, requests := f.late(t, "none", now.Add(-time.Hour)); len(requests) != 0 || p != (workspace.Progress{}) {
		t.Errorf("%d requests where nothing is stored, progress %+v", len(requests), p)
	}
	if n := f.checkWhole(t); n != 0 {
		t.Errorf("%d days are stored", n)
	}
	r := days(t, "2026-11-01", "2026-11-03")
	if _, err := f.fetch(t, r); err != nil {
		t.Fatal(err)
	}
	p, requests := f.late(t, "late", now.Add(-time.Hour))
	if len(requests) != 2 || requests[0].Days != r || p.Rows != 0 || p.LateDays != "" {
		t.Errorf("requests %+v, progress %+v; want the same question twice, and nothing fetched", requests, p)
	}
	_, err := f.FetchEvents(t.Context(), workspace.FetchRequest{Table: "events", LateSince: now.Add(time.Hour)}, func(workspace.Progress) {})
	if !workspace.Permanent(err) {
		t.Errorf("error for a time in the future = %v, want a permanent one", err)
	}
}

// The response that names the days must be proved like any other.
func TestTroubleWhileLateEventsAreLookedFor(t *testing.T) {
	t.Parallel()
	r := days(t, "2026-11-01", "2026-11-06")
	since := date(t, "2026-11-04").Start(time.UTC) // events of the last three days are later
	for _, kind := range []mixpaneltest.Kind{
		mixpaneltest.CutConnection, mixpaneltest.HalfLine, mixpaneltest.TerminatedEarly, mixpaneltest.ErrorTail, mixpaneltest.MissingGzipTrailer,
		mixpaneltest.EmptyBody, mixpaneltest.Status503, mixpaneltest.Bare429,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 30}, nil)
			if _, err := f.fetch(t, r); err != nil {
				t.Fatal(err)
			}
			in := f.inject(t, mixpaneltest.Fault{Kind: kind, Times: 1})
			p, _ := f.late(t, "late", since)
			if in[0].Hits() != 1 || !strings.Contains(p.LateDays, "2026-11-04..2026-11-06") || p.Added != 0 {
				t.Errorf("%d hits, progress %+v; want the last three days", in[0].Hits(), p)
			}
			f.check(t, r)
			f.wantEmptySpool(t)
		})
	}
}

func TestLateEventsAreLeftForAnotherTime(t *testing.T) {
	t.Parallel()
	r, since := days(t, "2026-11-01", "2026-11-06"), date(t, "2026-11-04").Start(time.UTC)
	ready := func(t *testing.T, a *allowance) *fixture {
		t.Helper()
		f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 100}, func(_ *mixpaneltest.Project, c *workspace.Config) {
			if a != nil {
				c.Budget = a
			}
		})
		if _, err := f.fetch(t, r); err != nil {
			t.Fatal(err)
		}
		return f
	}
	req := workspace.FetchRequest{Table: "events", LateSince: since, Job: "late"}
	t.Run("Mixpanel wants no request", func(t *testing.T) {
		t.Parallel()
		a := &allowance{left: 100}
		f := ready(t, a)
		f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, RetryAfter: 10 * time.Minute, Times: 1})
		_, err := f.request(t, req)
		if pause, ok := errors.AsType[*workspace.PauseError](err); !ok || !pause.Until.Equal(now.Add(10*time.Minute)) || len(a.heard) != 1 {
			t.Errorf("error = %v, heard %v; want a pause of ten minutes", err, a.heard)
		}
		f.must(t, req)
	})
	t.Run("the budget is spent", func(t *testing.T) {
		t.Parallel()
		a := &allowance{left: 100, until: now.Add(time.Hour)}
		f := ready(t, a)
		a.left = 0
		_, err := f.request(t, req)
		if pause, ok := errors.AsType[*workspace.PauseError](err); !ok || !pause.Until.Equal(a.until) {
			t.Errorf("error = %v, want a pause until %s", err, a.until)
		}
	})
	t.Run("drained", func(t *testing.T) {
		t.Parallel()
		f := ready(t, nil)
		in := f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte})
		drain, ended := make(chan struct{}), make(chan error)
		drained := req
		drained.Drain = drain
		go func() {
			_, err := f.FetchEvents(t.Context(), drained, func(workspace.Progress) {})
			ended <- err
		}()
		<-in[0].Reached()
		close(drain)
		if err := <-ended; !errors.Is(err, workspace.ErrDrained) {
			t.Errorf("error = %v, want %v", err, workspace.ErrDrained)
		}
		f.wantEmptySpool(t)
	})
	t.Run("the server is down", func(t *testing.T) {
		t.Parallel()
		f := ready(t, nil)
		f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status503})
		before := len(f.fake.Requests())
		_, err := f.request(t, req)
		if n := len(f.fake.Requests()) - before; err == nil || workspace.Permanent(err) || n > 10 {
			t.Errorf("error = %v after %d requests, want a passing one after ten at most", err, n)
		}
	})
}

// Days that are no longer served are not searched.
func TestLateEventsOfDaysThatAreServed(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)}
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 100}, func(p *mixpaneltest.Project, cfg *workspace.Config) {
		p.MaxPastDays, cfg.Now = 10, c.now
	})
	for n, at := range []time.Time{c.now(), now} {
		c.set(at)
		if _, err := f.fetch(t, day.Range{From: day.Of(at) - 9, To: day.Of(at) - 1}); err != nil {
			t.Fatal(fmt.Errorf("fetch %d: %w", n, err))
		}
	}
	p, requests := f.late(t, "late", date(t, "2026-11-20").Start(time.UTC))
	if len(requests) != 3 || requests[1].Days.From != date(t, "2026-11-12") || !strings.HasSuffix(p.LateDays, "..2026-11-21") {
		t.Errorf("requests %+v, progress %+v; want those days that are served", requests, p)
	}
	if c := f.coverage(t, days(t, "2026-11-01", "2026-11-08")); c[date(t, "2026-11-05")].State != storage.Complete {
		t.Errorf("%+v, want what was stored to stay", c)
	}
}
