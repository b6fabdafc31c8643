package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dbtPackages stay below dbt-core 1.12, which downloads a part of itself from GitHub.
var dbtPackages = []string{"dbt-duckdb==1.11.1", "dbt-core~=1.11.0", "duckdb~=1.5.0"}

// countBuilt prints the rows of the models and of their sources.
const countBuilt = `
import duckdb, sys
con = duckdb.connect(sys.argv[1])
con.sql("ATTACH '" + sys.argv[2] + "' AS mp (READ_ONLY)")
print(con.sql("""SELECT (SELECT count(*) FROM main_mixpanel.event), (SELECT count(*) FROM mp.main.events),
	(SELECT count(*) FROM main_mixpanel.people), (SELECT count(*) FROM mp.main.profiles)""").fetchone())
`

// The package in deploy/dbt builds on a snapshot, and its tests pass.
func TestDbtBuildsOnASnapshot(t *testing.T) {
	t.Parallel()
	program := pythonWith(t, "dbt", "import dbt.adapters.duckdb, dbt.cli.main", dbtPackages...)
	s := newPeople(t, 30)
	s.startWorker(t)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-02"))
	if r := s.enqueue(t, "fetch", "profiles", "--wait"); r.code != 0 {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	snapshot := s.snapshot(t).Path

	project := t.TempDir()
	if err := os.CopyFS(project, os.DirFS("../deploy/dbt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(project, "profiles.example.yml"), filepath.Join(project, "profiles.yml")); err != nil {
		t.Fatal(err)
	}
	s.set("MIXDUCK_SNAPSHOT="+snapshot, "DBT_PROJECT_DIR="+project, "DBT_PROFILES_DIR="+project)
	dbt := func(args ...string) {
		t.Helper()
		script := "import os, sys; os.chdir(os.environ['DBT_PROJECT_DIR']); from dbt.cli.main import cli; cli()"
		if r := command(t, s.env, program, append([]string{"-c", script}, args...)...); r.code != 0 {
			t.Fatalf("dbt %q: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
	}
	dbt("build", "--vars", "mixduck_people: true")
	dbt("source", "freshness")
	r := command(t, s.env, program, "-c", countBuilt, filepath.Join(project, "analytics.duckdb"), snapshot)
	if got, want := strings.TrimSpace(r.stdout), "(40, 40, 30, 30)"; got != want {
		t.Errorf("rows of events, their source, people and their source: %s, want %s\n%s", got, want, r.stderr)
	}
}
