package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
)

// The tests in this file are those of docs/storage-page.md.

func TestPageOneFetch(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	if got := s.ok(t, fetch("2025-11-01", "2025-11-02")...); !strings.HasPrefix(got, "done: 100 rows") {
		t.Errorf("stdout = %q", got)
	}
	if got := s.ok(t, "query", "SELECT count(*) FROM events", "--format", "plain"); got != "100\n" {
		t.Errorf("rows = %q", got)
	}
}

func TestPageTwoFetchesToOneDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	first := s.hold(t)
	s.fails(t, 1, locked(s.path(), first.Process.Pid), fetch("2025-11-01", "2025-11-01")...)
	first.release(t)
	s.ok(t, fetch("2025-11-01", "2025-11-01")...)
}

func TestPageFetchAndQuery(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	s.ok(t, fetch("2025-11-01", "2025-11-01")...)
	first := s.hold(t)
	s.fails(t, 1, locked(s.path(), first.Process.Pid), "query", "SELECT 1")
	s.fails(t, 1, locked(s.path(), first.Process.Pid), "inspect", "tables")
	s.fails(t, 1, locked(s.path(), first.Process.Pid), "inspect", "drop", "events", "--yes")
	waited := make(chan result)
	go func() {
		waited <- s.mp(t, "query", "SELECT count(*) FROM events", "--format", "plain", "--lock-wait", "1m")
	}()
	first.release(t)
	if r := <-waited; r.code != 0 || r.stdout != "100\n" {
		t.Errorf("with --lock-wait: %+v", r)
	}
}

func TestPageTwoQueries(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	s.ok(t, fetch("2025-11-01", "2025-11-01")...)
	const takesAWhile = "SELECT sum(a.range) FROM range(30000) a, range(20000) b"
	both := make(chan result)
	for range 2 {
		go func() { both <- s.mp(t, "query", takesAWhile) }()
	}
	for range 2 {
		if r := <-both; r.code != 0 {
			t.Errorf("exit code %d\n%s", r.code, r.stderr)
		}
	}
}

func TestPageTwoInspectionsOfTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	first := s.hold(t)
	both := make(chan result)
	for range 2 {
		go func() { both <- s.mp(t, "inspect", "events") }()
	}
	for range 2 {
		if r := <-both; r.code != 0 || !strings.Contains(r.stdout, "Page Viewed") {
			t.Errorf("inspect events: %+v", r)
		}
	}
	first.release(t)
}

func TestPageNoDataYet(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	want := "No data yet: " + s.path() + "\nRun 'mp fetch events' or 'mp fetch profiles' to create the database.\n"
	for _, args := range [][]string{{"query", "SELECT 1"}, {"inspect", "tables"}, {"inspect", "drop-all", "--yes"}} {
		s.fails(t, 4, want, args...)
	}
	if _, err := os.Stat(s.path()); err == nil {
		t.Error("reading has made a database")
	}
}

func TestPageEphemeral(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	first := s.hold(t)
	got := s.ok(t, fetch("2025-11-01", "2025-11-02", "--ephemeral", "--query", "SELECT count(*) AS n FROM events")...)
	if got != "  n\n100\n" {
		t.Errorf("stdout = %q", got)
	}
	first.release(t)
	s.nothingIsLeft(t)
	s.fails(t, 3, "exclude each other", fetch("2025-11-01", "2025-11-02", "--in-memory", "--ephemeral")...)
}

func TestPageInMemory(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	first := s.hold(t)
	s.ok(t, fetch("2025-11-01", "2025-11-02", "--in-memory")...)
	got := s.ok(t, fetch("2025-11-01", "2025-11-02", "--in-memory", "--format", "json", "--query", "SELECT day, count(*) AS n FROM events GROUP BY ALL ORDER BY ALL")...)
	if want := "[\n{\"day\":\"2025-11-01\",\"n\":50},\n{\"day\":\"2025-11-02\",\"n\":50}\n]\n"; got != want {
		t.Errorf("stdout = %q, want %q", got, want)
	}
	first.release(t)
	s.nothingIsLeft(t)
}

// Errors in a statement itself are reported before requests are sent.
func TestQueryOfAFetchIsCheckedFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	for sql, want := range map[string]string{
		"SELEKT 1":                     "syntax error",
		"FROM read_csv('/etc/passwd')": "read_csv",
		"DELETE FROM events":           "only statements that read",
		"SELECT 1; SELECT 2":           "2 statements",
	} {
		for _, private := range []string{"--ephemeral", "--in-memory"} {
			s.fails(t, 3, want, fetch("2025-11-01", "2025-11-01", private, "--query", sql)...)
		}
	}
	if n := len(s.mixpanel.Requests()); n > 0 {
		t.Errorf("Mixpanel was asked %d times", n)
	}
	s.nothingIsLeft(t)
	s.fails(t, 3, "no_such_column", fetch("2025-11-01", "2025-11-01", "--ephemeral", "--query", "SELECT no_such_column FROM events")...)
}

func TestPathsThatNoDatabaseCanHave(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	for _, path := range []string{"a%b.db", "what?.db", "x.db.wal", "x.db.Lock", "x.db.turn/y.db"} {
		path = filepath.Join(s.dir, path)
		s.fails(t, 3, "try: ", fetch("2025-11-01", "2025-11-01", "--path", path)...)
		s.fails(t, 3, "try: ", "query", "SELECT 1", "--path", path)
		s.fails(t, 3, "try: ", "inspect", "tables", "--path", path)
	}
	if n := len(s.mixpanel.Requests()); n > 0 {
		t.Errorf("Mixpanel was asked %d times", n)
	}
}

func TestPageSeparatePaths(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20)
	both := make(chan result)
	for i, months := range [][2]string{{"2025-01", "2025-06"}, {"2025-07", "2025-10"}} {
		path := filepath.Join(s.dir, fmt.Sprintf("h%d.db", i+1))
		go func() { both <- s.mp(t, fetch(months[0], months[1], "--path", path)...) }()
	}
	for range 2 {
		if r := <-both; r.code != 0 {
			t.Errorf("exit code %d\n%s", r.code, r.stderr)
		}
	}
	for i, want := range []string{"3620\n", "2460\n"} {
		path := filepath.Join(s.dir, fmt.Sprintf("h%d.db", i+1))
		if got := s.ok(t, "query", "SELECT count(*) FROM events", "--path", path, "--format", "plain"); got != want {
			t.Errorf("h%d.db has %q rows, want %q", i+1, got, want)
		}
	}
}

func TestPageAYearInOneCommand(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	s.ok(t, fetch("2024-01-01", "2024-12-31")...)
	if got := s.ok(t, "query", "SELECT count(*), count(DISTINCT day) FROM events", "--format", "plain"); got != "3660\t366\n" {
		t.Errorf("rows and days = %q", got)
	}
	if n := len(s.mixpanel.Requests()); n > 54 {
		t.Errorf("it took %d requests, more than an hour allows", n)
	}
}

func TestPageStreamInsteadOfStore(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	if got := s.ok(t, fetch("2025-11-01", "2025-11-02", "--stdout", "--quiet")...); strings.Count(got, `{"event_name":"`) != 100 {
		t.Errorf("%d events", strings.Count(got, `{"event_name":"`))
	}
	if got := s.ok(t, fetch("2025-11-01", "2025-11-02", "--stdout", "--raw")...); strings.Count(got, `{"event":"`) != 100 {
		t.Errorf("%d raw lines", strings.Count(got, `{"event":"`))
	}
	if _, err := os.Stat(s.path()); err == nil {
		t.Error("a stream has made a database")
	}
}

func TestPageDrop(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	s.ok(t, fetch("2025-11-01", "2025-11-01")...)
	s.ok(t, append(fetch("2025-11-01", "2025-11-01"), "other")...)
	s.fails(t, 3, "--yes", "inspect", "drop", "events")
	s.fails(t, 4, "unknown table nothing", "inspect", "drop", "nothing", "--yes")
	s.ok(t, "inspect", "drop", "events", "--yes")
	if got := s.ok(t, "query", "SELECT table_name FROM _metadata", "--format", "plain"); got != "other\n" {
		t.Errorf("tables = %q", got)
	}
	s.ok(t, "inspect", "drop-all", "--yes")
	if got := s.ok(t, "query", "SELECT table_name FROM _metadata", "--format", "plain"); got != "" {
		t.Errorf("tables = %q", got)
	}
}

func TestPageReadCommandsCannotWrite(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	s.ok(t, fetch("2025-11-01", "2025-11-01")...)
	for _, sql := range []string{"INSERT INTO events SELECT * FROM events", "UPDATE events SET day = NULL", "DELETE FROM events", "DROP TABLE events", "CREATE TABLE x (a INT)"} {
		s.fails(t, 3, "error: ", "query", sql)
	}
	if got := s.ok(t, "query", "SELECT count(*) FROM events", "--format", "plain"); got != "50\n" {
		t.Errorf("rows = %q", got)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	s.fails(t, 3, "--from is required", "fetch", "events")
	denied := *s
	denied.env = slices.Concat(s.env, []string{"MP_SECRET=wrong"})
	denied.fails(t, 2, "error: ", fetch("2025-11-01", "2025-11-01")...)
	s.ok(t, fetch("2025-11-01", "2025-11-01")...)
	s.fails(t, 1, "exists", fetch("2025-11-01", "2025-11-01", "--create")...)
	s.fails(t, 3, "syntax error", "query", "SELEKT 1")
	s.fails(t, 4, "unknown table nothing", "inspect", "schema", "nothing")
	over, err := s.mixpanel.Inject(mixpaneltest.Fault{Kind: mixpaneltest.OverQuota})
	if err != nil {
		t.Fatal(err)
	}
	s.fails(t, 5, "run it again after", fetch("2025-11-03", "2025-11-03")...)
	s.fails(t, 5, "429", fetch("2025-11-03", "2025-11-03", "--stdout")...)
	over.Remove()
	first := s.hold(t)
	if err := first.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-first.end; err == nil || first.ProcessState.ExitCode() != 130 {
		t.Errorf("after Ctrl-C: exit code %d, want 130", first.ProcessState.ExitCode())
	}
}
