package storage_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// foreignFile returns a database with the tables of mixpanel_data, and the results of additional statements.
func foreignFile(tb testing.TB, more ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "x.db")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	for _, statement := range append([]string{
		"CREATE TABLE events (event_name VARCHAR NOT NULL, insert_id VARCHAR PRIMARY KEY, properties JSON)",
		"INSERT INTO events VALUES ('Old', 'a', '{}')",
		"CREATE TABLE _metadata (table_name VARCHAR PRIMARY KEY, type VARCHAR NOT NULL, row_count INTEGER)",
		"INSERT INTO _metadata VALUES ('events', 'events', 1), ('gone', 'events', 0)",
		"CREATE TABLE notes AS SELECT 'mine' AS text",
	}, more...) {
		if _, err := db.ExecContext(tb.Context(), statement); err != nil {
			tb.Fatal(err)
		}
	}
	return path
}

func TestDatabaseOfAnotherProgramIsNotWritten(t *testing.T) {
	t.Parallel()
	path := foreignFile(t)
	for range 2 {
		_, err := storage.Open(t.Context(), storage.Config{Path: path})
		if fault.CodeOf(err) != fault.CodeExists || !strings.Contains(fault.HintOf(err), "--adopt") || !strings.Contains(err.Error(), "_metadata, events") {
			t.Fatalf("error = %v (try: %s), want one that names the tables and --adopt", err, fault.HintOf(err))
		}
	}
	reader := open(t, storage.Config{Path: path, ReadOnly: true})
	if foreign, err := reader.Foreign(t.Context()); err != nil || !slices.Equal(foreign, []string{"_metadata", "events"}) {
		t.Errorf("Foreign = %v, %v", foreign, err)
	}
	if got := names(t, reader); !slices.Equal(got, []string{"_metadata", "events", "notes"}) {
		t.Errorf("tables = %v, want them as they were", got)
	}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	path := foreignFile(t, "CREATE VIEW Events_Before_Mixduck AS SELECT 1", `CREATE INDEX "by name" ON events (event_name)`, "CREATE INDEX by_words ON notes (text)")
	e := open(t, storage.Config{Path: path, Adopt: true})
	if got, want := e.Moved(), []string{"_metadata is now _metadata_before_mixduck", "events is now events_before_mixduck_2, without its indexes by name"}; !slices.Equal(got, want) {
		t.Errorf("Moved = %q, want %q", got, want)
	}
	if foreign, err := e.Foreign(t.Context()); err != nil || len(foreign) > 0 {
		t.Errorf("Foreign = %v, %v; want none", foreign, err)
	}
	prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-0"})
	closeEngine(t, e)
	again := open(t, storage.Config{Path: path, Adopt: true})
	if got := again.Moved(); len(got) > 0 {
		t.Errorf("the second time it moves %q", got)
	}
	if got := names(t, again); !slices.Equal(got, []string{"_metadata_before_mixduck", "events", "events_before_mixduck_2", "notes"}) {
		t.Errorf("tables = %v", got)
	}
	var old string
	rows, err := again.Query(t.Context(), "SELECT event_name FROM events_before_mixduck_2")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&old); err != nil {
			t.Fatal(err)
		}
	}
	if rows.Err() != nil || old != "Old" {
		t.Errorf("old row = %q, %v", old, rows.Err())
	}
}

// names returns the tables of the schema main.
func names(tb testing.TB, e *storage.Engine) (found []string) {
	tb.Helper()
	rows, err := e.Query(tb.Context(), "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND database_name = current_database() ORDER BY ALL")
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			tb.Fatal(err)
		}
		found = append(found, name)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return found
}
