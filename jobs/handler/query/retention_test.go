package query_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mixduck/jobs"
	queryjobs "mixduck/jobs/handler/query"
	"mixduck/storage/query"
)

func TestResultsGoWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f.handler = queryjobs.New(queryjobs.Config{
		Launcher: query.Launcher{Exe: exe, Args: []string{childArg}}, LockWait: time.Minute, Retention: time.Hour,
	}, f.locate, f.results, slog.New(slog.DiscardHandler))
	dir := filepath.Join(f.dir, ".mixduck", "results")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"old.csv": 61 * time.Minute, "young.csv": 30 * time.Minute} {
		path, at := filepath.Join(dir, name), time.Now().Add(-age)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.run(t, jobs.Query{Database: "main/x.db", SQL: "SELECT 1", Format: jobs.FormatCSV}); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "young.csv" {
		t.Errorf("left: %v, %v; want young.csv alone", left, err)
	}
}
