package query_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/storage"
	"mixduck/storage/query"
)

// A table without days has no coverage, which must not look like an empty one.
func TestCoverageOfATableWithoutDays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	e, err := storage.Open(t.Context(), storage.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	table := storage.Keyed{
		Name: "profiles", Project: "12345", Stream: "profiles",
		Columns: []storage.KeyedColumn{{Name: "distinct_id", Type: "VARCHAR", Key: true}},
	}
	if _, err := e.Refresh(t.Context(), storage.Refresh{Table: table, Full: true, Job: "job-1", FetchedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, question := range []string{"coverage", "changes"} {
		_, _, err = run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: question, Args: []string{"profiles"}}})
		if fault.CodeOf(err) != fault.CodeNotFound || !strings.Contains(fault.HintOf(err), "receipts profiles") {
			t.Errorf("%s: error = %v, hint %q", question, err, fault.HintOf(err))
		}
	}
}

// The parts of a refresh have receipts with later times than the refresh.
func TestInspectTablesAgreesWithMetadata(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	e, err := storage.Open(t.Context(), storage.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	r := storage.Refresh{
		Table: storage.Keyed{Name: "members", Project: "12345", Stream: "cohort_members", Columns: []storage.KeyedColumn{
			{Name: "cohort_id", Type: "VARCHAR", Key: true}, {Name: "distinct_id", Type: "VARCHAR", Key: true},
		}},
		Full: true, Job: "job-1", FetchedAt: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
	}
	part := r
	part.Within, part.FetchedAt = &storage.Scope{Values: []string{"7"}}, r.FetchedAt.Add(time.Minute)
	for _, r := range []storage.Refresh{part, r} {
		if _, err := e.Refresh(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	_, out, err := run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: "tables"}, Format: query.CSV})
	if err != nil || !strings.Contains(out, "\nmembers,cohort_members,0,,,2026-11-22 08:00:00,12345,") {
		t.Errorf("tables = %q, %v", out, err)
	}
}

// Table names are compared like DuckDB does, ignoring case.
func TestInspectDaysIgnoresCase(t *testing.T) {
	t.Parallel()
	path := loaded(t)
	for _, question := range []string{"coverage", "receipts"} {
		_, out, err := run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: question, Args: []string{"EVENTS"}}, Format: query.CSV})
		if err != nil || strings.Count(out, "\n") != 3 {
			t.Errorf("%s = %q, %v", question, out, err)
		}
	}
}

// A file that was only read since an upgrade has no table of changes.
func TestInspectChangesOfAnOlderFile(t *testing.T) {
	t.Parallel()
	path := loaded(t)
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), "DROP TABLE mixduck.changes; UPDATE mixduck.schema_version SET version = 7")
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	_, out, err := run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: "changes", Args: []string{"events"}}, Format: query.CSV})
	if want := "table_name,day,job_id,added,removed,updated,loaded_at\n"; err != nil || out != want {
		t.Errorf("changes = %q, %v; want %q", out, err, want)
	}
}
