package workspace_test

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/secret"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

const projectID = 12345

// now is in the afternoon of 2026-11-22.
var now = time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)

func date(tb testing.TB, s string) day.Day {
	tb.Helper()
	d, err := day.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func days(tb testing.TB, from, to string) day.Range {
	tb.Helper()
	return day.Range{From: date(tb, from), To: date(tb, to)}
}

// fixture is a workspace with a fake Mixpanel over HTTP.
type fixture struct {
	*workspace.Workspace
	fake  *mixpaneltest.Server
	path  string // of the database
	spool string
	cfg   workspace.Config
}

// patience is how long a fixture's client waits for data.
const patience = 30 * time.Second

// newFixture starts a fake with one project and opens a workspace for it. change, if not nil, can override everything.
func newFixture(tb testing.TB, data mixpaneltest.Source, change func(*mixpaneltest.Project, *workspace.Config)) *fixture {
	tb.Helper()
	return newFixtureWithPatience(tb, patience, data, change)
}

func newFixtureWithPatience(tb testing.TB, wait time.Duration, data mixpaneltest.Source, change func(*mixpaneltest.Project, *workspace.Config)) *fixture {
	tb.Helper()
	dir := tb.TempDir()
	project := mixpaneltest.Project{ID: projectID, Region: "us", Username: "sa", Secret: "s3cret", Data: data}
	cfg := workspace.Config{
		Project:  workspace.Project{ID: projectID},
		Database: storage.Config{Path: filepath.Join(dir, "12345.db"), LockWait: patience, Threads: 1},
		SpoolDir: filepath.Join(dir, "spool"), OpenPerLoad: true,
		RetryDelay: time.Millisecond,
		Now:        func() time.Time { return now },
	}
	if change != nil {
		change(&project, &cfg)
	}
	fake := mixpaneltest.Start(tb, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{project}, Now: cfg.Now, Limits: mixpaneltest.Limits{Off: true},
	})
	return &fixture{Workspace: workspaceAt(tb, fake.URL, cfg, wait), fake: fake, path: cfg.Database.Path, spool: cfg.SpoolDir, cfg: cfg}
}

// workspaceAt returns a workspace with a new client of the server at url, which waits this long for data.
func workspaceAt(tb testing.TB, url string, cfg workspace.Config, wait time.Duration) *workspace.Workspace {
	tb.Helper()
	client, err := mixpanel.New(mixpanel.Config{
		BaseURL: url, Username: "sa", Secret: secret.New("s3cret"),
		FirstByteTimeout: wait, IdleTimeout: wait,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.CloseIdleConnections)
	ws, err := workspace.New(cfg, client, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return ws
}

// again returns another workspace with the same file.
func (f *fixture) again(tb testing.TB) *workspace.Workspace {
	tb.Helper()
	return workspaceAt(tb, f.fake.URL, f.cfg, patience)
}

// singleDays makes each window one day long, for tests that count requests by days.
func singleDays(_ *mixpaneltest.Project, c *workspace.Config) { c.WindowDays = 1 }

func (f *fixture) inject(tb testing.TB, faults ...mixpaneltest.Fault) []*mixpaneltest.Injection {
	tb.Helper()
	var in []*mixpaneltest.Injection
	for _, fault := range faults {
		i, err := f.fake.Inject(fault)
		if err != nil {
			tb.Fatal(err)
		}
		in = append(in, i)
	}
	return in
}

// fetch fetches r into table events and returns the progress.
func (f *fixture) fetch(tb testing.TB, r day.Range) (workspace.Progress, error) {
	tb.Helper()
	return f.FetchEvents(tb.Context(), workspace.FetchRequest{Table: "events", Days: r, Job: "job-" + r.String()}, func(workspace.Progress) {})
}

// open opens the database like any other program. The caller must close it.
func (f *fixture) open(tb testing.TB) *sql.DB {
	tb.Helper()
	db, err := sql.Open("duckdb", f.path+"?access_mode=READ_ONLY&threads=1")
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

// truth returns the fake's truth for r, in the form of rows and quarantined.
func (f *fixture) truth(tb testing.TB, r day.Range) (rows []row, quarantined []string, all mixpaneltest.Truth) {
	tb.Helper()
	all, err := f.fake.Truth(projectID, r)
	if err != nil {
		tb.Fatal(err)
	}
	for _, want := range all.Rows {
		rows = append(rows, row{
			Day: want.Day.String(), Event: want.Event, DistinctID: want.DistinctID, InsertID: want.InsertID,
			Micros: want.Time.UnixMicro(), ProcessedMS: want.ProcessedAtMS, Properties: want.Properties,
		})
	}
	slices.SortFunc(rows, row.compare)
	return rows, all.Quarantined, all
}

// row is an event as the database holds it.
type row struct {
	Day, Event, DistinctID, InsertID, Properties string
	Micros, ProcessedMS                          int64
}

func (r row) compare(s row) int {
	return strings.Compare(r.Day+r.Event+r.InsertID+r.Properties, s.Day+s.Event+s.InsertID+s.Properties)
}

// rows reads a whole table.
func rows(tb testing.TB, db *sql.DB, table string) []row {
	tb.Helper()
	rs, err := db.QueryContext(tb.Context(), `SELECT day::VARCHAR, event_name, coalesce(distinct_id, ''), coalesce(insert_id, ''),
		properties::VARCHAR, epoch_us(event_time), coalesce(epoch_ms(processed_at), 0) FROM `+table)
	if err != nil {
		tb.Fatal(err)
	}
	defer rs.Close()
	var all []row
	for rs.Next() {
		var r row
		if err := rs.Scan(&r.Day, &r.Event, &r.DistinctID, &r.InsertID, &r.Properties, &r.Micros, &r.ProcessedMS); err != nil {
			tb.Fatal(err)
		}
		all = append(all, r)
	}
	if err := rs.Err(); err != nil {
		tb.Fatal(err)
	}
	slices.SortFunc(all, row.compare)
	return all
}

// quarantined reads the quarantined lines.
func quarantined(tb testing.TB, db *sql.DB) (lines []string) {
	tb.Helper()
	rs, err := db.QueryContext(tb.Context(), `SELECT line FROM mixduck.quarantine WHERE reason <> '' AND line_number > 0 AND day BETWEEN from_date AND to_date`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rs.Close()
	for rs.Next() {
		var line []byte
		if err := rs.Scan(&line); err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	if err := rs.Err(); err != nil {
		tb.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// check compares the database with the fake's truth for exactly the days of r, and returns that truth.
func (f *fixture) check(tb testing.TB, r day.Range) mixpaneltest.Truth {
	tb.Helper()
	db := f.open(tb)
	defer db.Close()
	want, wantLines, truth := f.truth(tb, r)
	if diff := cmp.Diff(want, rows(tb, db, "events")); diff != "" {
		tb.Fatalf("rows differ from Mixpanel's (-want +got):\n%.3000s", diff)
	}
	if diff := cmp.Diff(wantLines, quarantined(tb, db)); diff != "" {
		tb.Fatalf("quarantined lines differ (-want +got):\n%.2000s", diff)
	}
	var lines, accounted int64
	err := db.QueryRowContext(tb.Context(), "SELECT sum(lines), sum(row_count + duplicates + quarantined) FROM mixduck.receipts").Scan(&lines, &accounted)
	if err != nil || lines != accounted {
		tb.Fatalf("received %d lines but accounted for %d (%v)", lines, accounted, err)
	}
	return truth
}

// compare compares the table events with want.
func (f *fixture) compare(tb testing.TB, want []row) {
	tb.Helper()
	db := f.open(tb)
	defer db.Close()
	if diff := cmp.Diff(want, rows(tb, db, "events")); diff != "" {
		tb.Fatalf("rows differ from Mixpanel's (-want +got):\n%.3000s", diff)
	}
}
