package query_test

import (
	"path/filepath"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage/query"
)

// Queries have the macros of this version, also on files that have none, or others of the same name.
func TestMacros(t *testing.T) {
	t.Parallel()
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	execute(t, foreign, "CREATE TABLE events (event_name VARCHAR, event_time TIMESTAMP, distinct_id VARCHAR, insert_id VARCHAR, properties JSON, day DATE, processed_at TIMESTAMP)",
		threeEvents, "CREATE MACRO active_users(source, filter := true) AS TABLE SELECT 'not ours'")
	for _, path := range []string{newFile(t, threeEvents), foreign} {
		for _, sql := range []string{
			"SELECT count(*) AS n, max(dau) AS dau FROM active_users('events')",
			"SELECT count(*) AS n, max(dau) AS dau FROM active_users(events)",
			"SELECT count(*) AS n, max(dau) AS dau FROM active_users(source := 'events')",
			"WITH e AS (FROM events) SELECT count(*) AS n, max(dau) AS dau FROM Main.Active_Users('e', filter := properties->>'$.plan' IS NULL OR true)",
		} {
			for _, format := range []query.Format{query.CSV, query.Parquet, query.Arrow} {
				_, out, err := run(t, query.Request{Database: path, SQL: sql, Format: format})
				if err != nil || format == query.CSV && !strings.HasPrefix(out, "n,dau\n2,") {
					t.Errorf("%s as %s: %q, %v", sql, format, out, err)
				}
			}
		}
	}
}

// The macros cannot read anything that the query itself cannot.
func TestMacrosStayInTheDatabase(t *testing.T) {
	t.Parallel()
	path := newFile(t, threeEvents)
	execute(t, filepath.Join(filepath.Dir(path), "other.db"), "CREATE TABLE events (day DATE)")
	for _, call := range []string{
		"active_users()", "active_users('/etc/passwd')", "active_users('rows.csv')", "active_users('http://127.0.0.1/x.parquet')",
		"active_users('ev' || 'ents')", "active_users((SELECT 'events'))", "active_users($table)", `active_users("a/b.csv")`, "active_users(['events'])",
		"active_users('events', source := 'x.csv')", "active_users(filter := true, source := 'x.csv')", "active_users(source := 'events', source := 'x/y.csv')",
		"active_users('events', filter := (SELECT count(*) > 0 FROM read_csv('/etc/passwd')))", "active_users('events', filter := getenv('HOME') = '')",
		"active_users('duckdb_settings')", "active_users('main.events')", "active_users(main.events)", "active_users('glob:*')", "query_table('events')",
	} {
		_, out, err := run(t, query.Request{Database: path, SQL: "FROM " + call, Params: map[string]string{"table": "events"}})
		if fault.CodeOf(err) != fault.CodeUsage || out != "" {
			t.Errorf("%s: %q, %v", call, out, err)
		}
	}
}
