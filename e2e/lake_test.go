package e2e

import (
	"database/sql"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

// lakeProgram returns the path of lake. It is built only for tests that need it, because linking it takes long.
var lakeProgram = sync.OnceValues(func() (string, error) {
	if path, err := exec.LookPath("lake"); err == nil {
		return path, nil
	}
	worker, err := exec.LookPath("worker")
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(worker), "lake")
	return path, exec.Command("go", "build", "-ldflags=-s -w", "-o", path, "../cmd/lake").Run()
})

// setLake gives the site a lake in the directory lake of its data.
func (s *site) setLake() {
	s.set("MIXDUCK_LAKE_PUBLISH=manual", "MIXDUCK_LAKE_CATALOG=sqlite:"+s.path("lake/catalog.db"), "MIXDUCK_LAKE_WAREHOUSE=file://"+s.path("lake/warehouse"))
}

// startLake starts `lake run` and waits until it works.
func (s *site) startLake(tb testing.TB) *proctest.Process {
	tb.Helper()
	program, err := lakeProgram()
	if err != nil {
		tb.Fatal(err)
	}
	p := proctest.Start(tb, s.env, program, append([]string{"run"}, s.where()...)...)
	p.WaitFor(tb, "worker started")
	return p
}

// readLake reads, for each line of input, the table named in it, and prints its rows as JSON in the form of row.
const readLake = `
import json, sys
from pyiceberg.catalog import load_catalog
catalog = load_catalog("mixduck", type="sql", uri="sqlite:///" + sys.argv[1], init_catalog_tables="false")
for name in sys.stdin:
    table = catalog.load_table(name.strip()).scan().to_arrow()
    promoted = [c for c in table.column_names if c not in ("event_name", "event_time", "distinct_id", "insert_id", "properties", "day", "processed_at")]
    print(json.dumps([{
        "Day": r["day"].isoformat(), "Event": r["event_name"], "DistinctID": r["distinct_id"] or "", "InsertID": r["insert_id"] or "",
        "Properties": r["properties"], "Micros": int(r["event_time"].timestamp() * 1000000 + 0.5),
        "ProcessedMS": int(r["processed_at"].timestamp() * 1000 + 0.5) if r["processed_at"] else 0,
        "Promoted": {c: r[c] for c in promoted},
    } for r in table.to_pylist()]), flush=True)
`

// lakeRow is a row of a lake table, with the values of promoted columns.
type lakeRow struct {
	row

	Promoted map[string]any
}

// startLakeReader starts pyiceberg on the site's catalog.
func (s *site) startLakeReader(tb testing.TB) *foreignReader {
	tb.Helper()
	program := pythonWith(tb, "pyiceberg", "import pyiceberg.catalog.sql, pyarrow", "pyiceberg[sql-sqlite,pyarrow]==0.12.0")
	return startReader(tb, program, readLake, s.path("lake/catalog.db"))
}

// lake returns the rows of a lake table.
func (r *foreignReader) lake(tb testing.TB, table string) (rows []row, all []lakeRow) {
	tb.Helper()
	if err := json.Unmarshal([]byte(r.askFor(tb, table)), &all); err != nil {
		tb.Fatal(err)
	}
	for _, one := range all {
		rows = append(rows, one.row)
	}
	return rows, all
}

const lakeEvents = "project_12345.events"

// publish runs `enqueue publish --wait` and returns the job.
func (s *site) publish(tb testing.TB, flags ...string) job {
	tb.Helper()
	return s.enqueue(tb, append([]string{"publish", "--wait", "--quiet", "--format", "json"}, flags...)...).job(tb)
}

// Another program's reader sees exactly the rows of the database: after the first publish, after days were fetched
// again, and after a property was promoted.
func TestLakeEqualsTheDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 60))
	s.setLake()
	s.set("MIXDUCK_LAKE_RETENTION=2s")
	s.startWorker(t)
	lake := s.startLake(t)
	days := dates(t, "2025-11-01", "2025-11-04")
	s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.LateRows, Days: dates(t, "2025-11-03", "2025-11-03")})
	s.fetch(t, days)
	if j := s.publish(t, "--from", "2025-11-02", "--to", "2025-11-04"); j.State != "done" || j.DaysPublished != 3 {
		t.Fatalf("publish: %+v", j)
	}
	if j := s.publish(t); j.DaysPublished != 1 {
		t.Errorf("the day that was not published yet: %+v", j)
	}
	reader := s.startLakeReader(t)
	rows, _ := reader.lake(t, lakeEvents)
	compare(t, s.rows(t, defaultDatabase, "events"), rows)
	if j := s.publish(t); j.DaysPublished != 0 {
		t.Errorf("nothing has changed, but %d days were published", j.DaysPublished)
	}

	before, first := len(rows), s.lakeFiles(t)
	s.fetch(t, dates(t, "2025-11-03", "2025-11-04"))
	if j := s.publish(t); j.DaysPublished != 2 {
		t.Errorf("two days were fetched again, but %d were published", j.DaysPublished)
	}
	rows, _ = reader.lake(t, lakeEvents)
	compare(t, rowsOf(s.truth(t, projectID, days)), rows)
	if len(rows) <= before {
		t.Errorf("%d rows with late ones, %d without", len(rows), before)
	}

	if r := s.enqueue(t, "promote", "events", "plan,price:DOUBLE"); r.code != 0 {
		t.Fatal(r.stderr)
	}
	if j := s.publish(t); j.DaysPublished != 4 {
		t.Errorf("%d days were published with new columns", j.DaysPublished)
	}
	rows, all := reader.lake(t, lakeEvents)
	compare(t, s.rows(t, defaultDatabase, "events"), rows)
	checkPromoted(t, s, all)
	checkExpiry(t, s, first)
	rows, _ = reader.lake(t, lakeEvents)
	compare(t, rowsOf(s.truth(t, projectID, days)), rows)
	lake.Terminate(t)
	checkSpoolIsEmpty(t, s)
}

// checkExpiry checks that the files of replaced days are deleted after the retention, and nothing else.
func checkExpiry(t *testing.T, s *site, replaced []string) {
	t.Helper()
	if len(replaced) == 0 {
		t.Fatal("no files were published")
	}
	eventually(t, "files of old snapshots are deleted", func() bool {
		s.publish(t, "--force")
		left := s.lakeFiles(t)
		return !slices.ContainsFunc(replaced, func(name string) bool { return slices.Contains(left, name) })
	})
}

// lakeFiles returns the data files of the lake.
func (s *site) lakeFiles(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob(s.path("lake/warehouse/*/events/data/*/*.parquet"))
	if err != nil {
		tb.Fatal(err)
	}
	return files
}

// checkPromoted compares the promoted columns with those of the database.
func checkPromoted(t *testing.T, s *site, all []lakeRow) {
	t.Helper()
	var plans, prices int
	var sum float64
	for _, r := range all {
		if r.Promoted["plan"] != nil {
			plans++
		}
		if price, ok := r.Promoted["price"].(float64); ok {
			prices, sum = prices+1, sum+price
		}
	}
	s.read(t, defaultDatabase, func(db *sql.DB) {
		var wantPlans, wantPrices int
		var wantSum float64
		if err := db.QueryRowContext(t.Context(), "SELECT count(plan), count(price), sum(price) FROM events").Scan(&wantPlans, &wantPrices, &wantSum); err != nil {
			t.Fatal(err)
		}
		if plans != wantPlans || prices != wantPrices || prices == 0 || sum-wantSum > 1e-6 || wantSum-sum > 1e-6 {
			t.Errorf("%d plans and %d prices with sum %f, want %d, %d and %f", plans, prices, sum, wantPlans, wantPrices, wantSum)
		}
	})
}

func checkSpoolIsEmpty(t *testing.T, s *site) {
	t.Helper()
	left, err := filepath.Glob(s.path(".mixduck/lake/*/*"))
	if err != nil || len(left) > 0 {
		t.Errorf("files are left in the spool: %v, %v", left, err)
	}
}

// Killed at any moment, lake leaves each day as it was before or as it is now, and the next run completes the job.
func TestLakeKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	kills := 3
	if proctest.Soak() {
		kills = 60
	}
	s := newSite(t, embedded, newMixpanel(t, 300))
	s.setLake()
	s.startWorker(t)
	days := dates(t, "2025-11-01", "2025-11-06")
	s.fetch(t, days)
	lake := s.startLake(t)
	s.publish(t)
	reader := s.startLakeReader(t)
	want := rowsOf(s.truth(t, projectID, days))
	k := newKiller(t)
	for n := range kills {
		id := s.enqueue(t, "publish", "--force", "--format", "json").job(t).ID
		lake.WaitFor(t, id)
		lake.KillAfter(time.Duration(k.random.Int64N(int64(1200 * time.Millisecond))))
		lake.Kill()
		rows, _ := reader.lake(t, lakeEvents)
		compare(t, want, rows)
		lake = s.startLake(t)
		if j := s.wait(t, id); j.State != "done" {
			t.Fatalf("after kill %d: %+v", n, j)
		}
		rows, _ = reader.lake(t, lakeEvents)
		compare(t, want, rows)
	}
	lake.Terminate(t)
	checkSpoolIsEmpty(t, s)
}

// Fetches have their table published. While lake does not run, one job waits for all of them.
func TestLakeFollowsFetches(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 20))
	s.setLake()
	s.set("MIXDUCK_LAKE_PUBLISH=after-sync")
	s.startWorker(t)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-01"))
	s.fetch(t, dates(t, "2025-11-02", "2025-11-02"))
	s.fetch(t, dates(t, "2025-11-02", "2025-11-03"))
	if waiting := s.list(t, "--kind", "publish"); len(waiting) != 1 {
		t.Fatalf("%d jobs that publish wait: %+v", len(waiting), waiting)
	}
	s.startLake(t)
	published := func(days string) func() bool {
		return func() bool {
			return strings.Contains(s.ask(t, "publish", "status", "--format", "json"), `"days":`+days+`,`)
		}
	}
	eventually(t, "three days are published", published("3"))
	s.fetch(t, dates(t, "2025-11-04", "2025-11-04"))
	eventually(t, "four days are published", published("4"))
}

// A table of another program with the same name stays as it is, and the job says so.
func TestLakeRefusesForeignTables(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 20))
	s.setLake()
	s.startWorker(t)
	s.startLake(t)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-01"))
	program := pythonWith(t, "pyiceberg", "import pyiceberg.catalog.sql, pyarrow", "pyiceberg[sql-sqlite,pyarrow]==0.12.0")
	const create = `
import sys, pyarrow
from pyiceberg.catalog import load_catalog
catalog = load_catalog("mixduck", type="sql", uri="sqlite:///" + sys.argv[1], warehouse="file://" + sys.argv[2])
catalog.create_namespace("project_12345")
rows = pyarrow.table({"day": ["mine"]})
catalog.create_table("project_12345.events", schema=rows.schema).append(rows)
`
	if out, err := exec.CommandContext(t.Context(), program, "-c", create, s.path("lake/catalog.db"), s.path("lake/warehouse")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := s.enqueue(t, "publish", "--wait", "--quiet")
	r.mustFail(t, 1, "a table project_12345.events of another program")
	if status := s.ask(t, "publish", "status", "--format", "json"); !strings.Contains(status, "of another program") {
		t.Errorf("publish status: %s", status)
	}
}
