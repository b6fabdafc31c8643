package query_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/storage"
	"mixduck/storage/query"
)

// A statement that fails with columns, for example because a cast is tested before another condition, is run again as it
// is written. Here the column has a value that the JSON does not have.
func TestStatementsThatFailWithColumns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	e, err := storage.Open(t.Context(), storage.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	plan := []storage.Promotion{{Property: "plan", Type: "VARCHAR"}}
	if _, err := e.Prepare(t.Context(), storage.Table{Name: "events", Project: "1", Job: "job-1", Promote: plan}); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, path, `INSERT INTO events (event_name, event_time, properties, day, plan)
		SELECT 'purchase', '2026-11-01', '{"plan":"7"}', '2026-11-01', if(i = 99999, 'none', '7') FROM range(100000) AS r(i)`)
	const sql = "SELECT event_name, (properties->>'plan')::INTEGER AS n FROM events"
	for _, format := range []query.Format{query.CSV, query.Parquet, query.Arrow} {
		output := filepath.Join(t.TempDir(), "result")
		res, _, err := run(t, query.Request{Database: path, SQL: sql, Format: format, Output: output})
		if err != nil || res.Rows != 100_000 {
			t.Errorf("%s: %d rows, %v, want 100000", format, res.Rows, err)
			continue
		}
		written, err := os.ReadFile(output)
		if err != nil || int64(len(written)) != res.Bytes || format == query.CSV && strings.Count(string(written), "purchase") != 100_000 {
			t.Errorf("%s: %d bytes were written, %v, want %d", format, len(written), err, res.Bytes)
		}
		if len(res.Reads) != 1 || res.Reads[0] != (query.Read{Table: "events", Property: "plan"}) {
			t.Errorf("%s: reads %v, want plan", format, res.Reads)
		}
	}
}
