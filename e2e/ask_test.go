package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

// ask runs a query, which must succeed, and returns the output.
func (s *site) ask(tb testing.TB, args ...string) string {
	tb.Helper()
	r := s.enqueue(tb, args...)
	if r.code != 0 {
		tb.Fatalf("exit code %d of %q\n%s", r.code, args, r.stderr)
	}
	return r.stdout
}

// newAsked makes a site with two days of events in the default database.
func newAsked(t *testing.T, q queue) *site {
	t.Helper()
	s := newSite(t, q, newMixpanel(t, 100))
	s.startWorker(t)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-02"))
	return s
}

func TestQueriesAreAnsweredInEveryFormat(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newAsked(t, q)
			const values = "SELECT 9007199254740993 AS big, NULL AS nothing, '' AS empty, '退会' AS wide, TIMESTAMP '2025-11-01 01:02:03' AS ts"
			tests := []struct{ format, want string }{
				{"table", "             big  nothing  empty  wide  ts\n9007199254740993     NULL         退会  2025-11-01 01:02:03\n"},
				{"plain", "9007199254740993\t\t\t退会\t2025-11-01 01:02:03\n"},
				{"csv", "big,nothing,empty,wide,ts\n9007199254740993,,\"\",退会,2025-11-01 01:02:03\n"},
				{"jsonl", `{"big":9007199254740993,"nothing":null,"empty":"","wide":"退会","ts":"2025-11-01 01:02:03"}` + "\n"},
			}
			for _, tt := range tests {
				if got := s.ask(t, "query", values, "--format", tt.format); got != tt.want {
					t.Errorf("as %s:\n%q, want\n%q", tt.format, got, tt.want)
				}
			}
			if got := s.ask(t, "query", "FROM events WHERE false", "--format", "json"); strings.TrimSpace(got) != "[]" {
				t.Errorf("no rows as json: %q", got)
			}
			if got := s.ask(t, "query", "SELECT $a || $b AS s", "--param", "a=x", "--param", "b=$y", "--format", "plain"); got != "x$y\n" {
				t.Errorf("parameters: %q", got)
			}
			limited := s.enqueue(t, "query", "FROM events", "--limit", "3", "--format", "plain")
			if strings.Count(limited.stdout, "\n") != 3 || !strings.Contains(limited.stderr, "there are more") {
				t.Errorf("with --limit 3: %d lines, and %q", strings.Count(limited.stdout, "\n"), limited.stderr)
			}
		})
	}
}

// A result that is too long for the queue stays in the volume. Clients without access to the volume get it through
// Redis.
func TestLongResults(t *testing.T) {
	t.Parallel()
	s := newAsked(t, realRedis)
	const long = "SELECT range AS n, repeat('x', 50) AS s FROM range(200000)"
	id := strings.TrimSpace(s.ask(t, "query", long, "--format", "csv", "--detach"))
	s.ask(t, "jobs", "wait", id)
	here, file := s.ask(t, "jobs", "result", id), filepath.Join(t.TempDir(), "rows.csv")
	if lines := strings.Count(here, "\n"); lines != 200_001 {
		t.Fatalf("%d lines, want 200,001", lines)
	}
	far := command(t, s.env, "enqueue", "--data-dir", t.TempDir(), "--redis-url", s.redis.URL(), "jobs", "result", id, "--output", file)
	if far.code != 0 {
		t.Fatalf("exit code %d\n%s", far.code, far.stderr)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != here {
		t.Errorf("through Redis came %d bytes, %v; want %d", len(b), err, len(here))
	}
	s.enqueue(t, "jobs", "result", id, "--output", file).mustFail(t, 1, "exists", "--force")
	s.ask(t, "jobs", "result", id, "--output", file, "--force")
}

func TestQueriesFailAsTheyShould(t *testing.T) {
	t.Parallel()
	s := newAsked(t, embedded)
	s.enqueue(t, "query", "SELEKT 1").mustFail3(t, "syntax error")
	s.enqueue(t, "query", "SELECT * FROM read_csv('/etc/passwd')").mustFail(t, 3, "read_csv")
	s.enqueue(t, "query", "DROP TABLE events").mustFail3(t)
	s.enqueue(t, "query", "SELECT 1", "--database", "none.db").mustFail(t, 4, "none.db")
	if _, err := os.Stat(s.path("none.db")); err == nil {
		t.Error("a query has made a database")
	}
	s.enqueue(t, "query", "FROM event").mustFail3(t, "events")
	s.enqueue(t, "query", endless, "--timeout", "500ms").mustFail(t, 1, "longer than")
}

// mustFail3 checks that a statement was rejected; not every DuckDB error has a hint.
func (r result) mustFail3(tb testing.TB, texts ...string) {
	tb.Helper()
	for _, text := range append(texts, "error: ") {
		if r.code != 3 || !strings.Contains(r.stderr, text) {
			tb.Errorf("exit code %d, stderr %q; want 3 and %q", r.code, r.stderr, text)
		}
	}
}

// endless is a query that takes years.
const endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1"

func TestQueriesEndWithTheirAsker(t *testing.T) {
	t.Parallel()
	s := newAsked(t, embedded)
	for _, end := range []os.Signal{os.Interrupt, syscall.SIGKILL} {
		asker := proctest.Start(t, s.env, "enqueue", append(s.where(), "query", endless)...)
		var id string
		eventually(t, "the query runs", func() bool {
			for _, j := range s.list(t, "--kind", "query", "--state", "running") {
				id = j.ID
			}
			return id != ""
		})
		asker.Signal(t, end)
		code := asker.ExitCode(t)
		if end == os.Interrupt && code != 130 {
			t.Errorf("exit code %d after Ctrl-C, want 130", code)
		}
		s.waitForState(t, id, "cancelled")
	}
	detached := strings.TrimSpace(s.ask(t, "query", endless, "--detach"))
	s.waitForState(t, detached, "running")
	s.ask(t, "jobs", "cancel", detached)
	s.waitForState(t, detached, "cancelled")
	eventually(t, "no process of a query is left", func() bool { return len(s.children(t)) == 0 })
	if got := s.ask(t, "query", "SELECT 42 AS a", "--format", "plain"); got != "42\n" {
		t.Errorf("afterwards: %q", got)
	}
}

// children returns the processes that answer queries of this site.
func (s *site) children(tb testing.TB) (pids []int) {
	tb.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		tb.Fatal(err)
	}
	for _, name := range names {
		line, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(line), "query-child") {
			continue
		}
		dir := filepath.Dir(name)
		where, err := os.Readlink(filepath.Join(dir, "cwd"))
		if err != nil || !strings.HasPrefix(where, s.dir) {
			continue
		}
		var pid int
		if _, err := fmt.Sscan(filepath.Base(dir), &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestAQueryThatIsKilledHarmsNothing(t *testing.T) {
	t.Parallel()
	s := newAsked(t, embedded)
	id := strings.TrimSpace(s.ask(t, "query", endless, "--detach"))
	var pids []int
	eventually(t, "the query's process is there", func() bool {
		pids = s.children(t)
		return len(pids) == 1
	})
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if j := s.waitForState(t, id, "failed"); j.Error == nil || j.Error.Hint == "" {
		t.Errorf("job = %+v, want an error with a hint", j)
	}
	if got := s.ask(t, "query", "SELECT 42 AS a", "--format", "plain"); got != "42\n" {
		t.Errorf("afterwards: %q", got)
	}
}

func TestQueriesAreAnsweredWhileAFetchRuns(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newAsked(t, q)
			held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Stall, Days: dates(t, "2025-11-05", "2025-11-30")})
			j := s.submit(t, dates(t, "2025-11-03", "2025-11-10"))
			proctest.Await(t, "a download stalls", held.Reached())
			drop := s.enqueue(t, "inspect", "drop", "events", "--yes", "--detach")
			if got := s.ask(t, "query", "SELECT count(*) > 100 AS a FROM events", "--format", "plain"); got != "true\n" {
				t.Errorf("beside a fetch: %q", got)
			}
			if state := s.show(t, strings.TrimSpace(drop.stdout)).State; state != "waiting" {
				t.Errorf("the drop is %s while a fetch runs, want it waiting", state)
			}
			held.Remove()
			s.wait(t, j.ID)
			s.wait(t, strings.TrimSpace(drop.stdout))
			if got := s.ask(t, "inspect", "tables", "--format", "plain"); strings.Contains(got, "events\tevents") {
				t.Errorf("the table is there after its drop: %q", got)
			}
		})
	}
}

func TestInspections(t *testing.T) {
	t.Parallel()
	s := newAsked(t, embedded)
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"tables"}, "events"},
		{[]string{"schema", "events"}, "distinct_id"},
		{[]string{"sample", "events", "--limit", "2"}, "2025-11-0"},
		{[]string{"summarize", "events"}, "event_time"},
		{[]string{"breakdown", "events"}, "Page Viewed"},
		{[]string{"keys", "events"}, "$browser"},
		{[]string{"column", "events", "plan"}, "free"},
		{[]string{"info"}, "v1.5"},
		{[]string{"receipts"}, "2025-11-01"},
		{[]string{"quarantine"}, "reason"},
		{[]string{"coverage"}, "2025-11  ██\n"},
		{[]string{"coverage", "events", "--format", "csv"}, "complete"},
	}
	for _, tt := range tests {
		if got := s.ask(t, append([]string{"inspect"}, tt.args...)...); !strings.Contains(got, tt.want) {
			t.Errorf("inspect %s has no %q:\n%s", tt.args, tt.want, got)
		}
	}
	s.enqueue(t, "inspect", "schema", "event").mustFail(t, 4, "events")
	s.enqueue(t, "inspect", "drop", "events").mustFail(t, 3, "--yes")
}

func TestPromotedProperties(t *testing.T) {
	t.Parallel()
	s := newAsked(t, embedded)
	s.ask(t, "promote", "events", "plan,price:DOUBLE")
	s.fetch(t, dates(t, "2025-11-03", "2025-11-03"), "--promote", "$city")
	const same = `SELECT count(*) FILTER (plan IS DISTINCT FROM (properties->>'plan') OR "$city" IS DISTINCT FROM json_extract_string(properties, '/$city')),
		count(plan) > 100, count("$city") > 100 FROM events`
	if got := s.ask(t, "query", same, "--format", "plain"); got != "0\ttrue\ttrue\n" {
		t.Errorf("columns and JSON: %q", got)
	}
	s.enqueue(t, "promote", "events", "plan:BIGINT").mustFail(t, 3, "VARCHAR")
	s.checkEvents(t, dates(t, "2025-11-01", "2025-11-03"))
}

// A reader that has read enough ends the command without an error.
func TestPipesThatCloseEarly(t *testing.T) {
	t.Parallel()
	s := newAsked(t, embedded)
	line := "enqueue --data-dir " + s.dir + " query \"SELECT repeat('x', 1000) FROM range(100000)\" --format csv --quiet | head -1"
	got := command(t, append([]string{"PATH=" + os.Getenv("PATH")}, s.env...), "bash", "-c", "set -o pipefail; "+line)
	if got.code != 0 || got.stderr != "" || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("exit code %d, %d lines, stderr %q", got.code, strings.Count(got.stdout, "\n"), got.stderr)
	}
}
