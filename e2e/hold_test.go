package e2e

import (
	"database/sql"
	"testing"
)

// hold opens a database for writing in this process, like another program, until the returned function is called.
func (s *site) hold(tb testing.TB, database string) (release func()) {
	tb.Helper()
	db, err := sql.Open("duckdb", s.path(database))
	if err == nil {
		err = db.Ping()
	}
	if err != nil {
		tb.Fatal(err)
	}
	release = func() { _ = db.Close() }
	tb.Cleanup(release)
	return release
}

// write changes a database behind the worker's back.
func (s *site) write(tb testing.TB, database, statement string) {
	tb.Helper()
	db, err := sql.Open("duckdb", s.path(database))
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(tb.Context(), statement); err != nil {
		tb.Fatal(err)
	}
}
