package storage_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"mixduck/storage"
)

const macroNames = `SELECT function_name FROM duckdb_functions() WHERE function_type = 'table_macro' AND comment = 'created by Mixduck' ORDER BY ALL`

var allMacros = []string{"active_users", "canonical", "first_touch", "funnel", "identities", "paths", "retention", "sessions"}

const daily = "SELECT dau FROM active_users('events') ORDER BY day"

// The first write creates the macros, and copies of the file have them too.
func TestMacros(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 2), events(first, 3, "a")+events(first+1, 2, "b")))
	closeEngine(t, e)
	if _, _, err := storage.Compact(t.Context(), storage.Config{Path: path, LockWait: lockWait}, 0); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := storage.Backup(t.Context(), storage.Config{Path: path, LockWait: lockWait}, copied, "job-3"); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, copied} {
		want(t, "macros in "+file, query(t, file, macroNames), allMacros)
		want(t, "users in "+file, query(t, file, daily), []string{"1", "1"})
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "ATTACH '"+path+"' AS x (READ_ONLY)"); err != nil {
		t.Fatal(err)
	}
	want(t, "of an attached file", queryDB(t, db, "FROM x.active_users('x.events') ORDER BY day"), []string{"2026-11-01|1|1|1", "2026-11-02|1|1|1"})
}

// A file of an earlier version gets the macros with the next write, and so does one with other definitions.
func TestMacrosOfOtherVersions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	unpack(t, "testdata/version1.db.gz", path)
	closeEngine(t, open(t, storage.Config{Path: path, ReadOnly: true}))
	want(t, "macros after reading", query(t, path, macroNames), nil)
	write := func() {
		e := open(t, storage.Config{Path: path})
		prepare(t, e, storage.Table{Name: "more", Project: "1", Job: "job-9"})
		closeEngine(t, e)
	}
	write()
	want(t, "macros after a write", query(t, path, macroNames), allMacros)

	edit(t, path, "CREATE OR REPLACE MACRO paths(source) AS TABLE SELECT 1", "COMMENT ON MACRO TABLE paths IS 'created by Mixduck'")
	write()
	want(t, "a macro that was changed", query(t, path, "FROM paths('events')"), []string{"1"})
	edit(t, path, "COMMENT ON TABLE mixduck.schema_version IS 'definitions of another version'")
	write()
	want(t, "columns after an upgrade", query(t, path, "SELECT column_name FROM (DESCRIBE FROM paths('events', 'e'))"), []string{"path", "users"})
}

// Macros of a user stay.
func TestMacrosLeaveThoseOfUsersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	edit(t, path, "CREATE MACRO sessions(a) AS TABLE SELECT a + 1", "CREATE MACRO Paths(a) AS a + 2", "CREATE TABLE funnel AS SELECT 44 AS answer")
	e := open(t, storage.Config{Path: path})
	prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-0"})
	closeEngine(t, e)
	want(t, "of the user", query(t, path, "SELECT *, paths(41), (SELECT answer FROM funnel) FROM sessions(41)"), []string{"42|43|44"})
	want(t, "macros", query(t, path, macroNames), []string{"active_users", "canonical", "first_touch", "funnel", "identities", "retention"})
}
