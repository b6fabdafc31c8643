package storage_test

import (
	"testing"

	"mixduck/storage"
)

// fillAll fills the columns of table events.
func fillAll(tb testing.TB, e *storage.Engine) {
	tb.Helper()
	if err := e.Fill(tb.Context(), "events", 0); err != nil {
		tb.Fatal(err)
	}
}

// Columns are filled piece by piece. In between, others read and load, and nobody sees a column that is not filled.
func TestPromoteInPieces(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	e = open(t, storage.Config{Path: path, PieceRows: 200})
	for i := range 3 {
		load(t, e, window(span(i, 1), purchases(i, 300)))
	}
	if err := e.BeginPromotion(t.Context(), "events", []storage.Promotion{plan, amount}, 0); err != nil {
		t.Fatal(err)
	}
	const columns = "SELECT string_agg(column_name, ' ' ORDER BY column_index) FROM duckdb_columns() WHERE table_name = 'events' AND column_index > 7"
	for i := range 3 {
		rows, left, err := e.FillNext(t.Context(), "events", 0)
		if err != nil || left == 0 || rows == 0 || rows > 200 {
			t.Fatalf("FillNext = %d, %d, %v", rows, left, err)
		}
		closeEngine(t, e)
		want(t, "names", query(t, path, columns), []string{"properties.plan properties.amount"})
		want(t, "promoted", query(t, path, stored), nil)
		e = open(t, storage.Config{Path: path, PieceRows: 200})
		load(t, e, window(span(i, 1), purchases(i, 300+i))) // a new day, and days that are filled or not
	}
	if err := e.BeginPromotion(t.Context(), "events", []storage.Promotion{n}, 0); err != nil { // begins all over again
		t.Fatal(err)
	}
	promote(t, e, plan)
	load(t, e, window(span(3, 1), purchases(3, 5)))
	closeEngine(t, e)
	want(t, "names", query(t, path, columns), []string{"plan amount n"})
	want(t, "left", query(t, path, "SELECT (SELECT count(*) FROM mixduck.filling), (SELECT count(*) FROM mixduck.unfilled)"), []string{"0|0"})
	checkColumns(t, path, []storage.Promotion{plan, amount, n})
	want(t, "rows", query(t, path, "SELECT count(*), count(plan), count(amount) FROM events"), []string{"908|908|908"})
}
