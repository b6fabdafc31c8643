package e2e

import (
	"database/sql"
	"strings"
	"testing"
)

// hold opens a database for writing in this process, like another program, until the returned function is called. It
// waits for others that have the database open, such as the process that makes a snapshot after a fetch.
func (s *site) hold(tb testing.TB, database string) (release func()) {
	tb.Helper()
	db := s.openToWrite(tb, database)
	release = func() { _ = db.Close() }
	tb.Cleanup(release)
	return release
}

func (s *site) openToWrite(tb testing.TB, database string) (db *sql.DB) {
	tb.Helper()
	var err error
	eventually(tb, "open "+database, func() bool {
		if db, err = sql.Open("duckdb", s.path(database)); err == nil {
			err = db.Ping()
		}
		return err == nil || !strings.Contains(err.Error(), "lock")
	})
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

// write changes a database behind the worker's back. Like hold, it waits for others.
func (s *site) write(tb testing.TB, database, statement string) {
	tb.Helper()
	db := s.openToWrite(tb, database)
	defer db.Close()
	if _, err := db.ExecContext(tb.Context(), statement); err != nil {
		tb.Fatal(err)
	}
}
