package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/mounttest"
	"mixduck/internal/proctest"
)

// python returns a Python with a version of the package duckdb, which is installed once for all runs.
func python(tb testing.TB, requirement string) string {
	tb.Helper()
	name := strings.NewReplacer("~=", "-", ">=", "-").Replace(requirement)
	return pythonWith(tb, name, "import duckdb, pandas, polars, pyarrow", requirement, "pandas", "polars", "pyarrow")
}

// installing is held while a test looks for packages of PyPI: tests that need the same must not install them at once.
var installing sync.Mutex

// pythonWith returns a Python with packages from PyPI, installed once for all runs in a directory with this name. The
// imports say whether they are. The test is skipped where PyPI cannot be reached.
func pythonWith(tb testing.TB, name, imports string, packages ...string) string {
	tb.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		tb.Fatal(err)
	}
	dir := filepath.Join(cache, "mixduck-e2e", name)
	installing.Lock()
	defer installing.Unlock()
	program := filepath.Join(dir, "bin", "python")
	if exec.CommandContext(tb.Context(), program, "-c", imports).Run() == nil {
		return program
	}
	for _, command := range [][]string{
		{"python3", "-m", "venv", "--clear", dir},
		append([]string{program, "-m", "pip", "install", "--quiet"}, packages...),
	} {
		if out, err := exec.CommandContext(tb.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			tb.Skipf("NOT TESTED: %s: %v\n%s", strings.Join(command, " "), err, out)
		}
	}
	return program
}

// snapshotPath returns where the snapshot of the default database is.
func (s *site) snapshotPath() string { return s.path("read/" + defaultDatabase) }

// snapshot is the output of `enqueue snapshot`.
type snapshot struct {
	Path    string
	TakenAt time.Time `json:"taken_at"`
	Job     string
}

func (s *site) snapshot(tb testing.TB) (found snapshot) {
	tb.Helper()
	r := s.enqueue(tb, "snapshot", "--format", "json")
	if r.code != 0 {
		tb.Fatalf("enqueue snapshot: exit code %d\n%s", r.code, r.stderr)
	}
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
		tb.Fatal(err)
	}
	return found
}

// waitForSnapshot waits until the snapshot made after a job is there.
func (s *site) waitForSnapshot(tb testing.TB, id string) {
	tb.Helper()
	eventually(tb, "the snapshot after job "+id, func() bool {
		label, err := os.ReadFile(s.path("read/." + defaultDatabase + ".snapshot"))
		return err == nil && strings.Contains(string(label), `"job":"`+id+`"`)
	})
}

// countForever opens a database once, prints the number of its events, and repeats that for each line of input.
const countForever = `
import duckdb, sys
con = duckdb.connect(sys.argv[1], read_only=True)
while True:
    print(con.sql("SELECT count(*) FROM events").fetchall()[0][0], flush=True)
    if not sys.stdin.readline():
        break
`

// A notebook that keeps the snapshot open during ten syncs keeps reading the same data, and blocks nobody.
func TestNotebookKeepsTheSnapshotOpen(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"duckdb~=1.5.0", "duckdb"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			program := python(t, version)
			s := newEmbeddedSite(t, 50)
			first := dates(t, "2025-11-01", "2025-11-01")
			j := s.fetch(t, first)
			s.waitForSnapshot(t, j.ID)
			notebook := startReader(t, program, countForever, s.snapshotPath())
			had := notebook.line(t)
			if want := strconv.Itoa(len(s.truth(t, projectID, first).Rows)); had != want {
				t.Errorf("the notebook counts %s events, want %s", had, want)
			}
			for n := range 10 {
				days := dates(t, "2025-11-02", "2025-11-"+[]string{"02", "03", "04", "05", "06", "07", "08", "09", "10", "11"}[n])
				s.waitForSnapshot(t, s.fetch(t, days).ID)
				if now := notebook.ask(t); now != had {
					t.Fatalf("after sync %d the notebook counts %s events, before %s", n, now, had)
				}
			}
			all := dates(t, "2025-11-01", "2025-11-11")
			if now := startReader(t, program, countForever, s.snapshotPath()).line(t); now != strconv.Itoa(len(s.truth(t, projectID, all).Rows)) {
				t.Errorf("who opens the snapshot anew counts %s events", now)
			}
			s.checkEvents(t, all)
			if made := s.snapshot(t); made.Path != s.snapshotPath() {
				t.Errorf("enqueue snapshot says %+v", made)
			}
		})
	}
}

// openForever opens a database for each line that it reads, and says which days it has, with their events.
const openForever = `
import duckdb, json, sys
for line in sys.stdin:
    days, errors = [], []
    for n in range(int(line)):
        try:
            with duckdb.connect(sys.argv[1], read_only=True) as con:
                got = con.execute("SELECT day::VARCHAR, count(*) FROM events GROUP BY ALL ORDER BY ALL").fetchall()
                if got not in days:
                    days.append(got)
        except Exception as e:
            errors.append(str(e))
    print(json.dumps({"days": days, "errors": errors}), flush=True)
`

// While one fetch after another loads a day, the snapshot opens each time, and has whole days only.
func TestSnapshotOpensDuringAFetch(t *testing.T) {
	t.Parallel()
	program := python(t, "duckdb~=1.5.0")
	s := newEmbeddedSite(t, 200)
	s.waitForSnapshot(t, s.fetch(t, dates(t, "2025-10-01", "2025-10-01")).ID)
	enough := 200
	if proctest.Soak() {
		enough = 1000
	}
	reader := startReader(t, program, openForever, s.snapshotPath())
	all := s.readDuringFetches(t, reader, 100, enough) // a snapshot for each job
	s.waitForSnapshot(t, all[len(all)-1])
	s.readStates(t, reader, 100)
	days := meanwhile(t)
	days.From-- // fetched before
	s.checkEvents(t, days)
}

// meanwhile returns the days that [site.readDuringFetches] fetches.
func meanwhile(tb testing.TB) day.Range {
	tb.Helper()
	if proctest.Soak() {
		return dates(tb, "2025-10-02", "2025-10-31")
	}
	return dates(tb, "2025-10-02", "2025-10-11")
}

// readDuringFetches fetches some days with a job each. Meanwhile, a program reads until the jobs have ended, but at least
// so often, see [site.readStates]. It returns the ids of the jobs.
func (s *site) readDuringFetches(tb testing.TB, reader *foreignReader, step, enough int) (ids []string) {
	tb.Helper()
	days := meanwhile(tb)
	for d := days.From; d <= days.To; d++ {
		ids = append(ids, s.submit(tb, day.Range{From: d, To: d}).ID)
	}
	last, during := ids[len(ids)-1], false
	for reads := 0; ; reads += step {
		ended := s.show(tb, last).State == "done"
		if ended && reads >= enough {
			break
		}
		during = during || !ended
		s.readStates(tb, reader, step)
	}
	if !during {
		tb.Error("the fetches were over before the first read")
	}
	return ids
}

// readStates lets a program read the events so often. Each read has to work, and to see each day with all of its events or
// not at all.
func (s *site) readStates(tb testing.TB, reader *foreignReader, times int) {
	tb.Helper()
	truth := map[string]int{}
	for _, r := range s.truth(tb, projectID, dates(tb, "2025-10-01", "2025-10-31")).Rows {
		truth[r.Day.String()]++
	}
	if _, err := reader.stdin.Write([]byte(strconv.Itoa(times) + "\n")); err != nil {
		tb.Fatal(err)
	}
	var got struct {
		Days   [][][2]any
		Errors []string
	}
	if err := json.Unmarshal([]byte(reader.line(tb)), &got); err != nil {
		tb.Fatal(err)
	}
	if len(got.Errors) > 0 {
		tb.Fatalf("%d of %d reads failed: %s", len(got.Errors), times, got.Errors[0])
	}
	for _, state := range got.Days {
		for _, d := range state {
			if n := int(d[1].(float64)); n != truth[d[0].(string)] {
				tb.Errorf("%v has %d events, want all %d or none", d[0], n, truth[d[0].(string)])
			}
		}
	}
}

// A worker that is killed while it makes a snapshot leaves the old one. The next one makes it, and nothing else is left.
func TestWorkerKilledDuringSnapshots(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 3000))
	worker := s.startWorker(t)
	s.waitForSnapshot(t, s.fetch(t, dates(t, "2025-10-01", "2025-10-05")).ID)
	k := newKiller(t)
	kills := 3
	if proctest.Soak() {
		kills = 20
	}
	for n := range kills {
		s.write(t, defaultDatabase, "CREATE OR REPLACE TABLE noise AS SELECT md5(i::VARCHAR) AS a FROM range(300000) AS t(i)") // as another program does
		worker.Kill()
		worker = s.startWorker(t)
		worker.KillAfter(time.Duration(k.random.Int64N(int64(400 * time.Millisecond))))
		if got := command(t, s.env, "test", "-f", s.snapshotPath()); got.code != 0 {
			t.Fatalf("after kill %d there is no snapshot", n)
		}
		worker = s.startWorker(t)
		j := s.fetch(t, dates(t, "2025-10-06", "2025-10-06"))
		s.waitForSnapshot(t, j.ID)
	}
	files, err := os.ReadDir(s.path("read"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Errorf("%v are left beside the snapshot, want only what describes it", files)
	}
}

// If the disk has no room for a snapshot, that is a warning: jobs end well, and the last snapshot stays.
func TestSnapshotOnAFullDisk(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 50))
	if err := os.MkdirAll(s.path("read"), 0o700); err != nil {
		t.Fatal(err)
	}
	mounttest.Small(t, s.path("read"), "40m")
	s.startWorker(t)
	first := dates(t, "2025-11-01", "2025-11-01")
	s.waitForSnapshot(t, s.fetch(t, first).ID)
	had := fingerprint(t, s.snapshotPath())
	mounttest.Resize(t, s.path("read"), "8m")
	if j := s.fetch(t, dates(t, "2025-11-02", "2025-11-03")); j.State != "done" || j.Attempts != 1 {
		t.Errorf("the job is %s after %d attempts", j.State, j.Attempts)
	}
	s.enqueue(t, "snapshot").mustFail(t, 1, "not enough disk space for a snapshot", "free some disk space")
	eventually(t, "a warning", func() bool {
		r := s.enqueue(t, "status")
		return strings.Contains(r.stdout+r.stderr, "not enough disk space for a snapshot")
	})
	if now := fingerprint(t, s.snapshotPath()); now != had {
		t.Error("the old snapshot has changed")
	}
	if files, err := os.ReadDir(s.path("read")); err != nil || len(files) != 2 {
		t.Errorf("%v are left beside the snapshot, %v", files, err)
	}
	mounttest.Resize(t, s.path("read"), "100m")
	s.snapshot(t)
	if fingerprint(t, s.snapshotPath()) == had {
		t.Error("there is no new snapshot when there is room again")
	}
}
