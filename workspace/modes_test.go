package workspace_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// request runs the fetch r and returns the progress.
func (f *fixture) request(tb testing.TB, r workspace.FetchRequest) (workspace.Progress, error) {
	tb.Helper()
	return f.FetchEvents(tb.Context(), r, func(workspace.Progress) {})
}

// must runs the fetch r, and fails the test if that fails.
func (f *fixture) must(tb testing.TB, r workspace.FetchRequest) workspace.Progress {
	tb.Helper()
	p, err := f.request(tb, r)
	if err != nil {
		tb.Fatal(err)
	}
	f.wantEmptySpool(tb)
	return p
}

func (f *fixture) wantEmptySpool(tb testing.TB) {
	tb.Helper()
	if left, err := os.ReadDir(f.spool); len(left) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		tb.Errorf("the spool holds %v (%v), want nothing", left, err)
	}
}

// asked returns the days of the requests so far, each with the number of requests for it.
func (f *fixture) asked() map[day.Day]int {
	n := map[day.Day]int{}
	for _, r := range f.fake.Requests() {
		for d := range r.Days.All() {
			n[d]++
		}
	}
	return n
}

// text reads one value from the database.
func (f *fixture) text(tb testing.TB, query string) (value string) {
	tb.Helper()
	db := f.open(tb)
	defer db.Close()
	if err := db.QueryRowContext(tb.Context(), query).Scan(&value); err != nil {
		tb.Fatal(err)
	}
	return value
}

func TestSyncTwiceIsTheSame(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 300}, nil)
	r := days(t, "2026-11-01", "2026-11-05")
	first := f.must(t, workspace.FetchRequest{Table: "events", Days: r})
	f.check(t, r)
	second := f.must(t, workspace.FetchRequest{Table: "events", Days: r})
	f.check(t, r)
	if first.Rows != second.Rows || first.Rows == 0 || second.WindowsDone == 0 {
		t.Errorf("progress = %+v, then %+v, want the same rows", first, second)
	}
}

// A request without a job ID is a separate job: it does not skip what others have fetched.
func TestRequestsWithoutAJob(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 20}, nil)
	r := days(t, "2026-11-01", "2026-11-01")
	for range 2 {
		f.must(t, workspace.FetchRequest{Table: "events", Days: r})
	}
	if n := f.asked()[r.From]; n != 2 {
		t.Errorf("the day was asked for %d times, want 2", n)
	}
}

func TestRangesThatOverlap(t *testing.T) {
	t.Parallel()
	for _, mode := range []workspace.Mode{workspace.Sync, workspace.Append} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 40}, nil)
			f.must(t, workspace.FetchRequest{Table: "events", Days: days(t, "2026-11-01", "2026-11-10"), Mode: mode})
			f.must(t, workspace.FetchRequest{Table: "events", Days: days(t, "2026-11-05", "2026-11-15"), Mode: mode})
			f.check(t, days(t, "2026-11-01", "2026-11-15"))
		})
	}
}

func TestAppendAddsWhatIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 200}, nil)
	r := days(t, "2026-11-01", "2026-11-03")
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.LateRows, Every: 5})
	before := f.must(t, workspace.FetchRequest{Table: "events", Days: r, Mode: workspace.Append})
	after := f.must(t, workspace.FetchRequest{Table: "events", Days: r, Mode: workspace.Append})
	if before.Rows == 0 || after.Rows == 0 || before.Rows+after.Rows != 600 || after.Duplicates != before.Rows {
		t.Errorf("progress = %+v, then %+v, want the rest and only that", before, after)
	}
	f.check(t, r)
}

func TestCreateRefusesBeforeTheFirstRequest(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 20}, nil)
	r := days(t, "2026-11-01", "2026-11-02")
	f.must(t, workspace.FetchRequest{Table: "events", Days: r, Mode: workspace.Create, Job: "a"})
	sent := len(f.fake.Requests())
	f.must(t, workspace.FetchRequest{Table: "events", Days: r, Mode: workspace.Create, Job: "a"}) // the job that made it
	_, err := f.request(t, workspace.FetchRequest{Table: "events", Days: r, Mode: workspace.Create, Job: "b"})
	if fault.CodeOf(err) != fault.CodeExists || fault.HintOf(err) == "" || !workspace.Permanent(err) {
		t.Errorf("error = %v, want one that says that the table exists", err)
	}
	if n := len(f.fake.Requests()); n != sent {
		t.Errorf("%d requests were sent, want none", n-sent)
	}
	f.check(t, r)
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 20}, nil)
	good := workspace.FetchRequest{Table: "events", Days: days(t, "2026-11-01", "2026-11-02")}
	for name, change := range map[string]func(*workspace.FetchRequest){
		"a range that ends before it begins": func(r *workspace.FetchRequest) { r.Days = days(t, "2026-11-02", "2026-11-01") },
		"a day in the future":                func(r *workspace.FetchRequest) { r.Days = days(t, "2026-11-20", "2026-11-23") },
		"a table that is none":               func(r *workspace.FetchRequest) { r.Table = "a-b" },
		"no table":                           func(r *workspace.FetchRequest) { r.Table = "" },
		"a mode that is none":                func(r *workspace.FetchRequest) { r.Mode = "overwrite" },
		"a name of ours":                     func(r *workspace.FetchRequest) { r.Table = "events__replacing" },
	} {
		r := good
		change(&r)
		if _, err := f.request(t, r); fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" || !workspace.Permanent(err) {
			t.Errorf("%s: error = %v, want one that will come again, with a hint", name, err)
		}
	}
	if sent := f.fake.Requests(); len(sent) > 0 {
		t.Errorf("requests %v were sent, want none", sent)
	}
	if _, err := os.Stat(f.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the database: %v, want none", err)
	}
}

func TestOneTableDoesNotHoldTwoThings(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 100}, nil)
	r := days(t, "2026-11-01", "2026-11-01")
	f.must(t, workspace.FetchRequest{Table: "events", Days: r})
	sent := len(f.fake.Requests())
	for _, req := range []workspace.FetchRequest{{Events: []string{"Signup"}}, {Where: `properties["$os"] == "iOS"`}} {
		req.Table, req.Days = "events", r
		if _, err := f.request(t, req); fault.CodeOf(err) != fault.CodeExists || !workspace.Permanent(err) {
			t.Errorf("error = %v, want one about what the table holds", err)
		}
	}
	if n := len(f.fake.Requests()); n != sent {
		t.Errorf("%d requests were sent, want none", n-sent)
	}
	f.check(t, r)
}

// While a table is being replaced the old one is readable. If days fail it stays, and the next attempt continues.
func TestReplaceGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 100}, nil)
	old, r := days(t, "2026-10-01", "2026-10-02"), days(t, "2026-11-01", "2026-11-06")
	f.must(t, workspace.FetchRequest{Table: "events", Days: old})
	in := f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status500, Days: day.Range{From: r.To, To: r.To}})
	replace := workspace.FetchRequest{Table: "events", Days: r, Mode: workspace.Replace, Job: "replace"}
	looked := 0
	_, err := f.FetchEvents(t.Context(), replace, func(p workspace.Progress) {
		if p.WindowsDone == 0 {
			return
		}
		e, err := storage.Open(t.Context(), storage.Config{Path: f.path, ReadOnly: true, LockWait: patience})
		if err != nil {
			t.Error(err)
			return
		}
		defer e.Close()
		if stored, err := e.Coverage(t.Context(), "events", days(t, "2026-01-01", "2026-11-22")); err != nil || len(stored) != 2 {
			t.Errorf("coverage meanwhile = %v, %v, want that of the old table", stored, err)
		}
		looked++
	})
	if _, ok := errors.AsType[*workspace.DaysError](err); !ok || looked == 0 {
		t.Fatalf("error = %v, looked %d times meanwhile; want a *DaysError", err, looked)
	}
	f.check(t, old)

	in[0].Remove()
	before := f.asked()
	f.must(t, replace)
	for d, n := range f.asked() {
		if want := before[d] + btoi(d == r.To); n != want {
			t.Errorf("%s was asked for %d times, want %d", d, n, want)
		}
	}
	f.check(t, r)
	if tables := f.text(t, "SELECT string_agg(table_name, ' ') FROM duckdb_tables() WHERE schema_name = 'main'"); tables != "events" {
		t.Errorf("tables = %s, want only events", tables)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A later attempt of the same job requests only what is missing.
func TestLaterAttemptsAskForWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, mode := range []workspace.Mode{workspace.Sync, workspace.Append, workspace.Create} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 100}, nil)
			r := days(t, "2026-11-01", "2026-11-08")
			bad := day.Range{From: r.From + 3, To: r.From + 4}
			in := f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status503, Days: bad})
			req := workspace.FetchRequest{Table: "events", Days: r, Mode: mode, Job: "job"}
			first, err := f.request(t, req)
			failed, ok := errors.AsType[*workspace.DaysError](err)
			if !ok || failed.Asked != 8 || !strings.Contains(err.Error(), "2 of 8 days") {
				t.Fatalf("error = %v, want one about 2 of 8 days", err)
			}
			f.wantEmptySpool(t)
			in[0].Remove()
			before := f.asked()
			second := f.must(t, req)
			for d, n := range f.asked() {
				if want := before[d] + btoi(bad.Contains(d)); n != want {
					t.Errorf("%s was asked for %d times, want %d", d, n, want)
				}
			}
			if first.Rows != 600 || second.Rows != 800 || second.WindowsTotal != second.WindowsDone || second.Bytes <= first.Bytes-1 {
				t.Errorf("progress = %+v, then %+v, want 600 rows, then 800 in all", first, second)
			}
			f.check(t, r)
		})
	}
}

// A fetch removes only its own files from the spool.
func TestSpoolOfOthersStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 20}, nil)
	if err := os.MkdirAll(f.spool, 0o700); err != nil {
		t.Fatal(err)
	}
	mine, left := filepath.Join(f.spool, "thesis.txt"), filepath.Join(f.spool, "window-2026-11-01-123")
	for _, name := range []string{mine, left} {
		if err := os.WriteFile(name, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.fetch(t, days(t, "2026-11-01", "2026-11-01")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("a file of somebody else: %v", err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed attempt left: %v, want it to be gone", err)
	}
}
