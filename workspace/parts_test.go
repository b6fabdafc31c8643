package workspace_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// manyNames returns n names without events, around some names with events.
func manyNames(n int) []string {
	names := []string{"Page Viewed", "Täglich „neu“"}
	for i := range n {
		names = append(names, fmt.Sprintf("Übersicht %d geöffnet", i))
	}
	return append(names, "Product Viewed", "Purchase")
}

// someEvents returns three events per day for each name with events in manyNames, and for one that is not requested.
func someEvents(r day.Range) mixpaneltest.Lines {
	data := mixpaneltest.Lines{}
	for d := range r.All() {
		for i, name := range []string{"Page Viewed", "Täglich „neu“", "Product Viewed", "Purchase", "Other"} {
			for n := range 3 {
				at := d.Start(time.UTC).Unix() + int64(1000*i+n)
				data[d] = append(data[d], fmt.Sprintf(
					`{"event":%q,"properties":{"time":%d,"distinct_id":"u%d","$insert_id":"%s-%d-%d","mp_processing_time_ms":%d}}`, name, at, n, d, i, n, at*1000+5))
			}
		}
	}
	return data
}

// checkNamed compares the database with the truth for the named events.
func (f *fixture) checkNamed(tb testing.TB, r day.Range, names []string) {
	tb.Helper()
	want, _, _ := f.truth(tb, r)
	f.compare(tb, slices.DeleteFunc(want, func(r row) bool { return !slices.Contains(names, r.Event) }))
	if lost := f.text(tb, "SELECT sum(lines - row_count - duplicates - quarantined)::VARCHAR FROM mixduck.receipts"); lost != "0" {
		tb.Fatalf("%s of the lines received are not accounted for", lost)
	}
}

// parts returns the number of requests that name an event.
func (f *fixture) parts(event string) (n int) {
	for _, r := range f.fake.Requests() {
		if slices.Contains(r.Events, event) {
			n++
		}
	}
	return n
}

func TestLongListsOfNames(t *testing.T) {
	t.Parallel()
	r := days(t, "2026-11-01", "2026-11-03")
	names := append(manyNames(250), "Purchase") // given twice
	for _, mode := range []workspace.Mode{workspace.Sync, workspace.Append, workspace.Replace} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			a := &allowance{left: 1000}
			f := newFixture(t, someEvents(r), func(_ *mixpaneltest.Project, c *workspace.Config) { c.WindowDays, c.Budget = 1, a })
			for range 2 { // the second run changes nothing
				p := f.must(t, workspace.FetchRequest{Table: "events", Days: r, Events: names, Mode: mode})
				if p.Rows != 36 && mode != workspace.Append || p.WindowsDone != 3 || p.Duplicates != 0 && mode != workspace.Append {
					t.Errorf("progress = %+v, want 36 rows in 3 windows", p)
				}
				f.checkNamed(t, r, names)
				f.wantEmptySpool(t)
			}
			sent := f.fake.Requests()
			if first := f.parts("Page Viewed"); first != 6 || f.parts("Purchase") != 6 {
				t.Errorf("the first names were asked for %d times, the last ones %d times; want 6", first, f.parts("Purchase"))
			}
			if lent := 1000 - a.left; lent != len(sent) || a.lent != 0 {
				t.Errorf("%d requests, %d booked, %d still lent", len(sent), lent, a.lent)
			}
			for _, s := range sent {
				if s.Status != 200 {
					t.Errorf("a request with %d names was answered with %d", len(s.Events), s.Status)
				}
			}
		})
	}
}

// However the response to one part is spoiled, no day has rows of only the other parts.
func TestSpoiledParts(t *testing.T) {
	t.Parallel()
	r := days(t, "2026-11-01", "2026-11-01")
	names := manyNames(250)
	for _, kind := range []mixpaneltest.Kind{
		mixpaneltest.TerminatedOnly, mixpaneltest.TerminatedEarly, mixpaneltest.HalfLine, mixpaneltest.HalfLineNewline, mixpaneltest.PageOnly,
		mixpaneltest.CutConnection, mixpaneltest.MissingGzipTrailer, mixpaneltest.CorruptGzipCRC, mixpaneltest.Status503, mixpaneltest.ResetAtOnce,
		mixpaneltest.EmptyBody,
	} {
		for _, event := range []string{"Page Viewed", "Purchase"} {
			t.Run(string(kind)+" "+event, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, someEvents(r), nil)
				in := f.inject(t, mixpaneltest.Fault{Kind: kind, Event: event, Times: 1})
				f.must(t, workspace.FetchRequest{Table: "events", Days: r, Events: names})
				f.checkNamed(t, r, names)
				if in[0].Hits() != 1 {
					t.Errorf("the fault hit %d requests, want 1", in[0].Hits())
				}
				f.wantEmptySpool(t)
			})
		}
	}
}

func TestAPartThatNeverComes(t *testing.T) {
	t.Parallel()
	r := days(t, "2026-11-01", "2026-11-01")
	f := newFixture(t, someEvents(r), nil)
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, Event: "Purchase"})
	p, err := f.request(t, workspace.FetchRequest{Table: "events", Days: r, Events: manyNames(250)})
	if _, ok := errors.AsType[*workspace.DaysError](err); !ok || p.Rows != 0 {
		t.Errorf("progress = %+v, %v; want nothing stored, and the day to be missing", p, err)
	}
	f.wantEmptySpool(t)
}

// A fetch that ends between two parts stores nothing of the window; the next attempt stores all of it.
func TestEndBetweenParts(t *testing.T) {
	t.Parallel()
	r := days(t, "2026-11-01", "2026-11-02")
	f := newFixture(t, someEvents(r), singleDays)
	names := manyNames(250)
	in := f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Event: "Purchase"})
	ctx, cancel := context.WithCancelCause(t.Context())
	killed := errors.New("killed")
	req := workspace.FetchRequest{Table: "events", Days: r, Events: names, Job: "job"}
	p, err := f.FetchEvents(ctx, req, func(workspace.Progress) {
		if f.parts("Purchase") > 0 {
			cancel(killed)
		}
	})
	if !errors.Is(err, killed) || p.Rows != 0 {
		t.Fatalf("progress = %+v, %v; want nothing stored", p, err)
	}
	f.wantEmptySpool(t)
	in[0].Remove()
	f.must(t, req)
	f.checkNamed(t, r, names)
}

func TestStreamOfALongList(t *testing.T) {
	t.Parallel()
	r := days(t, "2026-11-01", "2026-11-02")
	f := newFixture(t, someEvents(r), singleDays)
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, Event: "Purchase", Times: 1})
	seen := map[string]int{}
	n, err := f.Stream(t.Context(), workspace.FetchRequest{Days: r, Events: manyNames(250)}, func(line []byte) error {
		seen[string(line)]++
		return nil
	})
	if err != nil || n != 24 || len(seen) != 24 {
		t.Errorf("%d lines, %d different, %v; want 24", n, len(seen), err)
	}
}

// Names that fit no request are rejected before the first request.
func TestNamesThatFitNoRequest(t *testing.T) {
	t.Parallel()
	r := days(t, "2026-11-01", "2026-11-02")
	f := newFixture(t, someEvents(r), nil)
	req := workspace.FetchRequest{Table: "events", Days: r, Events: []string{"a", strings.Repeat("x", 9000)}}
	_, err := f.request(t, req)
	_, streamErr := f.Stream(t.Context(), req, func([]byte) error { return nil })
	for _, err := range []error{err, streamErr} {
		if fault.CodeOf(err) != fault.CodeUsage || !workspace.Permanent(err) || len(f.fake.Requests()) != 0 {
			t.Errorf("error = %.200v after %d requests, want a usage error before the first", err, len(f.fake.Requests()))
		}
	}
}
