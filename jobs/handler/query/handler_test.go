package query_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
	queryjobs "mixduck/jobs/handler/query"
	"mixduck/storage"
	"mixduck/storage/query"
)

const childArg = "query-child"

// TestMain also makes the test binary the process of a query.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArg {
		os.Exit(query.Child(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// kept is what was stored in the queue.
type kept map[string]string

func (k kept) StoreResult(_ context.Context, id string, rows []byte) error {
	k[id] = string(rows)
	return nil
}

func (k kept) NoteReads(_ context.Context, database string, reads []jobs.PropertyRead) error {
	for _, r := range reads {
		k["read "+database] += r.Table + "." + r.Property
	}
	return nil
}

// fixture is a volume with an empty database x.db.
type fixture struct {
	dir     string
	results kept
	handler *queryjobs.Handler
}

func (f *fixture) locate(database string) (dir, path string, err error) {
	return f.dir, filepath.Join(f.dir, strings.TrimPrefix(database, "main/")), nil
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{dir: t.TempDir(), results: kept{}}
	e, err := storage.Open(t.Context(), storage.Config{Path: filepath.Join(f.dir, "x.db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	f.handler = queryjobs.New(queryjobs.Config{
		Launcher: query.Launcher{Exe: exe, Args: []string{childArg}}, LockWait: time.Minute,
	}, f.locate, f.results, slog.New(slog.DiscardHandler))
	return f
}

func (f *fixture) run(t *testing.T, q jobs.Query) (*jobs.Attempt, error) {
	t.Helper()
	a := &jobs.Attempt{Record: jobs.Record{ID: "01A", Kind: jobs.KindQuery, Database: q.Database, Query: q}}
	return a, f.handler.Run(t.Context(), a)
}

func TestSmallResultsGoIntoTheQueue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if _, err := f.run(t, jobs.Query{Database: "main/x.db", SQL: "SELECT 42 AS a, NULL AS b", Format: jobs.FormatCSV}); err != nil {
		t.Fatal(err)
	}
	if got := f.results["01A"]; got != "a,b\n42,\n" {
		t.Errorf("rows = %q", got)
	}
	if left, err := os.ReadDir(filepath.Join(f.dir, ".mixduck", "results")); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func TestReadsAreNoted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	e, err := storage.Open(t.Context(), storage.Config{Path: filepath.Join(f.dir, "x.db")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Prepare(t.Context(), storage.Table{Name: "events", Project: "1", Job: "job"})
	if err := errors.Join(err, e.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.run(t, jobs.Query{Database: "main/x.db", SQL: "SELECT properties->>'plan' FROM events", Format: jobs.FormatCSV}); err != nil {
		t.Fatal(err)
	}
	if got := f.results["read main/x.db"]; got != "events.plan" {
		t.Errorf("reads = %q, want events.plan", got)
	}
}

func TestLongResultsStayInTheVolume(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	old := filepath.Join(f.dir, ".mixduck", "results", "old.csv")
	if err := errors.Join(os.MkdirAll(filepath.Dir(old), 0o700), os.WriteFile(old, nil, 0o600),
		os.Chtimes(old, time.Time{}, time.Now().Add(-25*time.Hour))); err != nil {
		t.Fatal(err)
	}
	_, err := f.run(t, jobs.Query{Database: "main/x.db", SQL: "SELECT range AS n FROM range(1000000)", Format: jobs.FormatCSV})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.results) > 0 {
		t.Error("a long result went into the queue")
	}
	open := queryjobs.OpenResult(f.locate)
	rows, err := open("main/x.db", ".mixduck/results/01A.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all, err := io.ReadAll(rows)
	if n := strings.Count(string(all), "\n"); err != nil || n != 1_000_001 {
		t.Errorf("%d lines, %v", n, err)
	}
	for _, name := range []string{"x.db", "../x.db", ".mixduck/results/../../x.db", ".mixduck/results/old.csv"} {
		if f, err := open("main/x.db", name); err == nil {
			f.Close()
			t.Errorf("%s is opened", name)
		}
	}
}

func TestQueriesFail(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tests := []struct {
		name  string
		query jobs.Query
		want  fault.Code
	}{
		{"SQL that is wrong", jobs.Query{Database: "main/x.db", SQL: "SELEKT"}, fault.CodeUsage},
		{"SQL that writes", jobs.Query{Database: "main/x.db", SQL: "DROP TABLE mixduck.fence"}, fault.CodeUsage},
		{"a file that is not there", jobs.Query{Database: "main/y.db", SQL: "SELECT 1"}, fault.CodeNotFound},
		{"a query that takes too long", jobs.Query{Database: "main/x.db", SQL: "SELECT sum(range) FROM range(1000000000000)", Timeout: 300 * time.Millisecond}, fault.CodeFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.query.Format = jobs.FormatRows
			if _, err := f.run(t, tt.query); fault.CodeOf(err) != tt.want {
				t.Errorf("error = %v (%s), want %s", err, fault.CodeOf(err), tt.want)
			}
		})
	}
}
