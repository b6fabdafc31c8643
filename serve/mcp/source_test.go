package mcp

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"mixduck/storage"
	"mixduck/storage/query"
)

const childArg = "query-child"

// TestMain makes the test's binary the process of a query, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArg {
		os.Exit(query.Child(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// write runs a statement in a database, as another program would.
func write(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, to := filepath.Join(dir, "x.db"), filepath.Join(dir, "read", "x.db")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Config{
		Database: path, Launcher: query.Launcher{Exe: exe, Args: []string{childArg}}, TempDir: t.TempDir(), LockWait: time.Minute,
		Timeout: time.Minute, MaxRows: 10, MaxBytes: 1000,
		Snapshot: func() (*storage.Snapshot, error) { return storage.ReadSnapshot(to) },
	}}
	began := time.Now().Truncate(time.Second)
	expect := func(what, count, about string, old bool) {
		t.Helper()
		a, err := s.read(t.Context(), query.Request{SQL: "SELECT count(*) AS n FROM t"}, 10)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := string(a.Rows[0]); got != `{"n":`+count+`}` || !strings.Contains(a.Source, about) || a.AsOf.Before(began) != old {
			t.Errorf("%s: rows %s of %q as of %s, want %s rows of %q", what, got, a.Source, a.AsOf, count, about)
		}
	}
	write(t, path, "CREATE TABLE t AS SELECT 1 AS a")
	expect("no snapshot", "1", "the database", false)

	if _, _, err := storage.TakeSnapshot(t.Context(), storage.SnapshotRequest{Database: path, To: to, Name: "read/x.db"}); err != nil {
		t.Fatal(err)
	}
	e, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	expect("a current snapshot", "1", "a snapshot with everything", false)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	write(t, path, "INSERT INTO t VALUES (2)")
	expect("an older snapshot", "2", "the database", false)

	e, err = storage.Open(t.Context(), storage.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	began = time.Now().Add(time.Hour)
	expect("a load in progress", "1", "an older snapshot", true)
	left, err := os.ReadDir(filepath.Dir(to))
	if err != nil || len(left) != 2 {
		t.Errorf("beside the snapshot: %v, %v, want only its description", left, err)
	}
}
