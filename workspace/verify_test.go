package workspace_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

func (f *fixture) verify(tb testing.TB, r workspace.VerifyRequest) workspace.Verification {
	tb.Helper()
	v, err := f.again(tb).Verify(tb.Context(), r) // a client would wait between requests to Lexicon
	if err != nil {
		tb.Fatal(err)
	}
	if asked := len(f.fake.Queries()); v.Requests > 30 || v.Requests > asked {
		tb.Errorf("%d requests are reported, Mixpanel has seen %d", v.Requests, asked)
	}
	return v
}

// store fetches r successfully.
func (f *fixture) store(tb testing.TB, r day.Range, job string) {
	tb.Helper()
	f.must(tb, workspace.FetchRequest{Table: "events", Days: r, Job: job})
}

// causes returns the distinct days and causes of the differences.
func causes(v workspace.Verification) (all []string) {
	for _, d := range v.Differences {
		all = append(all, fmt.Sprintf("%s %s", d.Day, d.Cause))
	}
	return slices.Compact(all)
}

func TestACopyIsVerified(t *testing.T) {
	t.Parallel()
	los, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*mixpaneltest.Project, *workspace.Config)
		faults []mixpaneltest.Fault
	}{
		{"as it is", nil, nil},
		{"duplicates", nil, []mixpaneltest.Fault{{Kind: mixpaneltest.NewerDuplicates}, {Kind: mixpaneltest.Reordered}}},
		{"lines that are no events", nil, []mixpaneltest.Fault{{Kind: mixpaneltest.NotEvents}}},
		{"hot shards", nil, []mixpaneltest.Fault{{Kind: mixpaneltest.HotShard}}},
		{"a project with shifted times", func(p *mixpaneltest.Project, c *workspace.Config) {
			p.Location, p.ShiftedTimes = los, true
			c.Project.Location, c.Project.Shifted = los, true
		}, nil},
		{"a project with a time zone and times in UTC", func(p *mixpaneltest.Project, c *workspace.Config) {
			p.Location, c.Project.Location = los, los
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 100}, tt.change)
			f.inject(t, tt.faults...)
			week := days(t, "2026-11-10", "2026-11-16")
			f.store(t, week, "job")
			v := f.verify(t, workspace.VerifyRequest{Days: week})
			if len(v.Differences) > 0 || v.Events < 5 || v.Days != week || v.Warnings != "" {
				t.Errorf("%+v, want no differences", v)
			}
			if counted := v.Requests - 1; counted != 2 { // one is Lexicon's
				t.Errorf("%d requests of the query budget, want 2", counted)
			}
			f.store(t, days(t, "2026-11-21", "2026-11-21"), "another")
			if v := f.verify(t, workspace.VerifyRequest{}); v.Days != days(t, "2026-11-10", "2026-11-21") {
				t.Errorf("compared %s, want all stored days until yesterday", v.Days)
			}
		})
	}
}

// gone is a source that loses a day on demand.
type gone struct {
	mixpaneltest.Source
	day  day.Day
	lost *atomic.Bool
}

func (g gone) Lines(d day.Day, f mixpaneltest.Format) iter.Seq2[[]byte, error] {
	if d == g.day && g.lost.Load() {
		return func(func([]byte, error) bool) {}
	}
	return g.Source.Lines(d, f)
}

func TestDifferencesHaveCauses(t *testing.T) {
	t.Parallel()
	week := days(t, "2026-11-10", "2026-11-16")
	middle := days(t, "2026-11-13", "2026-11-13")
	lost := &atomic.Bool{}
	f := newFixture(t, gone{mixpaneltest.Generator{Seed: 1, EventsPerDay: 200}, middle.From, lost}, nil)
	f.store(t, day.Range{From: week.From, To: week.To - 1}, "job")

	v := f.verify(t, workspace.VerifyRequest{Days: week})
	if diff := cmp.Diff([]string{"2026-11-16 not_fetched"}, causes(v)); diff != "" {
		t.Errorf("a day that is missing (-want +got):\n%s", diff)
	}
	truth, _, _ := f.truth(t, day.Range{From: week.To, To: week.To})
	var theirs int64
	for _, d := range v.Differences {
		theirs += d.Theirs
		if d.Ours != 0 {
			t.Errorf("%+v, want none of ours", d)
		}
	}
	if theirs != int64(len(truth)) {
		t.Errorf("Mixpanel has %d events, want %d", theirs, len(truth))
	}
	repair := v.Repair()
	if want := []day.Range{{From: week.To, To: week.To}}; !slices.Equal(repair, want) {
		t.Fatalf("Repair = %v, want %v", repair, want)
	}
	f.store(t, repair[0], "repair")
	if v := f.verify(t, workspace.VerifyRequest{Days: week}); len(v.Differences) > 0 {
		t.Errorf("after the repair: %+v", v.Differences)
	}

	lost.Store(true)
	v = f.verify(t, workspace.VerifyRequest{Days: week})
	if diff := cmp.Diff([]string{"2026-11-13 deleted"}, causes(v)); diff != "" {
		t.Errorf("a day that Mixpanel has lost (-want +got):\n%s", diff)
	}
	if _, err := f.fetch(t, v.Repair()[0]); err == nil {
		t.Error("the repair has emptied a day")
	}
	if again := f.verify(t, workspace.VerifyRequest{Days: week}); !slices.Equal(again.Differences, v.Differences) {
		t.Errorf("after the repair: %+v, want %+v", again.Differences, v.Differences)
	}
}

func TestLateEventsAreDifferences(t *testing.T) {
	t.Parallel()
	start := date(t, "2026-11-02")
	c := &clock{at: start.Start(time.UTC).Add(30 * time.Hour)}
	f := newFixture(t, mixpaneltest.Generator{Seed: 7, EventsPerDay: 300, Now: c.now}, func(_ *mixpaneltest.Project, cfg *workspace.Config) { cfg.Now = c.now })
	all := day.Range{From: start, To: start + 1}
	f.store(t, all, "first")
	c.set((start + 8).Start(time.UTC))
	v := f.verify(t, workspace.VerifyRequest{Days: all})
	if diff := cmp.Diff([]string{start.String() + " late", (start + 1).String() + " partial_day"}, causes(v)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.store(t, v.Repair()[0], "again")
	if v := f.verify(t, workspace.VerifyRequest{Days: all}); len(v.Differences) > 0 || len(v.Repair()) > 0 {
		t.Errorf("after the repair: %+v", v.Differences)
	}
}

// since is a source with one event per day, and a second one from a day on.
type since day.Day

func (s since) Lines(d day.Day, f mixpaneltest.Format) iter.Seq2[[]byte, error] {
	if d < day.Day(s) {
		return named{"Seen"}.Lines(d, f)
	}
	return named{"Seen", "Hidden"}.Lines(d, f)
}

// Mixpanel does not list events that are hidden in Lexicon, but counts them. So the comparison finds that the table
// lacks one.
func TestHiddenEventsAreCompared(t *testing.T) {
	t.Parallel()
	week := days(t, "2026-11-10", "2026-11-16")
	f := newFixture(t, since(week.To), nil)
	if err := f.fake.PutLexicon(projectID, mixpaneltest.LexiconEntry{Kind: "event", Name: "Hidden", Schema: []byte(`{"metadata":{"com.mixpanel":{"hidden":true}}}`)}); err != nil {
		t.Fatal(err)
	}
	f.store(t, day.Range{From: week.From, To: week.To - 1}, "job")
	v := f.verify(t, workspace.VerifyRequest{Days: week})
	want := []workspace.Difference{
		{Day: week.To, Event: "Hidden", Theirs: 1, Cause: workspace.CauseNotFetched},
		{Day: week.To, Event: "Seen", Theirs: 1, Cause: workspace.CauseNotFetched},
	}
	if diff := cmp.Diff(want, v.Differences); diff != "" {
		t.Errorf("the day that is missing (-want +got):\n%s", diff)
	}
	f.store(t, day.Range{From: week.To, To: week.To}, "rest")
	if v := f.verify(t, workspace.VerifyRequest{Days: week}); len(v.Differences) > 0 {
		t.Errorf("differences = %+v", v.Differences)
	}
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status402, Call: "schemas"})
	v = f.verify(t, workspace.VerifyRequest{Days: week})
	if len(v.Differences) > 0 || !strings.Contains(v.Warnings, "Lexicon") {
		t.Errorf("without Lexicon: %+v", v)
	}
}

func TestDaysThatMixpanelNoLongerServes(t *testing.T) {
	t.Parallel()
	week := days(t, "2026-11-10", "2026-11-16")
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 200}, nil)
	f.store(t, week, "job")
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Refused, Call: "events", Status: 403, Text: "Date range exceeds 10 days into the past", Times: 1})
	v := f.verify(t, workspace.VerifyRequest{Days: week})
	if diff := cmp.Diff([]string{"2026-11-10 retention", "2026-11-11 retention"}, causes(v)); diff != "" || len(v.Repair()) > 0 {
		t.Errorf("repair %v (-want +got):\n%s", v.Repair(), diff)
	}
}

// named is a source with the given event names, with one event of each per day.
type named []string

func (n named) Lines(d day.Day, _ mixpaneltest.Format) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i, name := range n {
			line := fmt.Sprintf("{\"event\":%q,\"properties\":{\"time\":%d,\"distinct_id\":\"u\",\"$insert_id\":\"%d-%d\"}}\n", name, d.Start(time.UTC).Unix()+60, d, i)
			if !yield([]byte(line), nil) {
				return
			}
		}
	}
}

// verify compares a copy of days with an event of each name, and checks that at most 30 requests were sent.
func (n named) verify(tb testing.TB, r day.Range) workspace.Verification {
	tb.Helper()
	f := newFixture(tb, n, nil)
	f.store(tb, r, "job")
	before := len(f.fake.Queries())
	v := f.verify(tb, workspace.VerifyRequest{Days: r})
	if sent := len(f.fake.Queries()) - before; sent > 30 || sent != v.Requests {
		tb.Errorf("%d requests, want at most 30, and all reported (%d)", sent, v.Requests)
	}
	return v
}

func TestAMonthOfManyNamesTakesFewRequests(t *testing.T) {
	t.Parallel()
	var names named
	for i := range 200 {
		names = append(names, fmt.Sprintf("購入が完了しました %03d %s", i, strings.Repeat("長", 30)))
	}
	v := names.verify(t, days(t, "2026-10-01", "2026-10-30"))
	if len(v.Differences) > 0 || v.Events != 200 || v.Requests < 5 {
		t.Errorf("%d names, %d differences, %d requests", v.Events, len(v.Differences), v.Requests)
	}
}

// With names so long that 30 requests are not enough, some are not compared, which a warning says.
func TestVeryLongNamesDoNotPassTheBound(t *testing.T) {
	t.Parallel()
	var names named
	for i := range 90 {
		names = append(names, fmt.Sprintf("%03d %s", i, strings.Repeat("長", 600)))
	}
	v := names.verify(t, days(t, "2026-10-01", "2026-10-03"))
	if len(v.Differences) > 0 || v.Events == 0 || v.Events >= 90 || !strings.Contains(v.Warnings, fmt.Sprintf("%d event names are not compared", 90-v.Events)) {
		t.Errorf("%d names, %d differences, warnings %q", v.Events, len(v.Differences), v.Warnings)
	}
}

func TestWhatCannotBeVerified(t *testing.T) {
	t.Parallel()
	week := days(t, "2026-11-10", "2026-11-16")
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 100}, nil)
	if _, err := f.again(t).Verify(t.Context(), workspace.VerifyRequest{Days: week}); fault.CodeOf(err) != fault.CodeNotFound {
		t.Errorf("without a file: %v", err)
	}
	f.must(t, workspace.FetchRequest{Table: "pro", Days: week, Where: `properties["plan"] == "pro"`, Job: "1"})
	f.must(t, workspace.FetchRequest{Table: "searches", Days: week, Events: []string{"Search"}, Job: "2"})
	for name, r := range map[string]workspace.VerifyRequest{
		"a condition":      {Table: "pro", Days: week},
		"no table's name":  {Table: "a.b", Days: week},
		"days to come":     {Table: "searches", Days: days(t, "2026-11-10", "2026-11-23")},
		"an upturned week": {Table: "searches", Days: day.Range{From: week.To, To: week.From}},
	} {
		if _, err := f.again(t).Verify(t.Context(), r); fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
			t.Errorf("%s: %v, want a hint", name, err)
		}
	}
	if _, err := f.again(t).Verify(t.Context(), workspace.VerifyRequest{Days: week}); fault.CodeOf(err) != fault.CodeNotFound {
		t.Errorf("without the table: %v", err)
	}
	if v := f.verify(t, workspace.VerifyRequest{Table: "searches", Days: week}); len(v.Differences) > 0 || v.Events != 1 || !slices.Equal(v.Only, []string{"Search"}) {
		t.Errorf("a table of one event: %+v", v)
	}
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status402, Call: "events"})
	if _, err := f.again(t).Verify(t.Context(), workspace.VerifyRequest{Table: "searches", Days: week}); err == nil {
		t.Error("a plan without the Query API verifies")
	}
}
