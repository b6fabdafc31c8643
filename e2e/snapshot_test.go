package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// python returns a Python with a version of the package duckdb, which is installed once for all runs.
func python(tb testing.TB, requirement string) string {
	tb.Helper()
	name := strings.NewReplacer("~=", "-", ">=", "-").Replace(requirement)
	return pythonWith(tb, name, "import duckdb, pandas, polars, pyarrow", requirement, "pandas", "polars", "pyarrow")
}

// pythonWith returns a Python with packages from PyPI, installed once for all runs in a directory with this name. The
// imports say whether they are. The test is skipped where PyPI cannot be reached.
func pythonWith(tb testing.TB, name, imports string, packages ...string) string {
	tb.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		tb.Fatal(err)
	}
	dir := filepath.Join(cache, "mixduck-e2e", name)
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
