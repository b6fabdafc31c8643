package query_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
	"go.uber.org/goleak"

	"mixduck/storage"
	"mixduck/storage/query"
)

// childRole is the environment variable that makes the test binary one of the processes below.
const childRole = "MIXDUCK_QUERY_TEST_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(childRole); role {
	case "":
		goleak.VerifyTestMain(m)
	case "child":
		os.Exit(query.Child(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
}

// launcher starts the test binary as a child.
func launcher(tb testing.TB) query.Launcher {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	return query.Launcher{Exe: exe, Env: []string{childRole + "=child"}}
}

// run runs a query and returns what it wrote to its standard output.
func run(tb testing.TB, req query.Request) (query.Result, string, error) {
	tb.Helper()
	var out bytes.Buffer
	launch := launcher(tb)
	launch.Stdout = &out
	if req.TempDir == "" {
		req.TempDir = tb.TempDir()
	}
	res, err := query.Run(tb.Context(), launch, req)
	return res, out.String(), err
}

// newFile makes a database with the tables of Mixduck and what the statements add.
func newFile(tb testing.TB, statements ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "x.db")
	e, err := storage.Open(tb.Context(), storage.Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := e.Prepare(tb.Context(), storage.Table{Name: "events", Project: "1", Job: "job-1"}); err != nil {
		tb.Fatal(err)
	}
	if err := e.Close(); err != nil {
		tb.Fatal(err)
	}
	db, err := sql.Open("duckdb", path)
	if err != nil {
		tb.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(tb.Context(), statement); err != nil {
			tb.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}
