package storage_test

import (
	"testing"

	"mixduck/internal/day"
	"mixduck/storage"
)

func TestDaysThatAreNoLongerServedKeepWhatIsStored(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 3, "whole")))
	partial := window(span(1, 1), events(first+1, 2, "part"))
	partial.FetchedAt = first.Start(now.Location()).AddDate(0, 0, 1)
	load(t, e, partial)
	for range 2 {
		if _, err := e.MarkUnavailable(t.Context(), storage.Table{Name: "events", Job: "job-2"}, []day.Range{span(0, 3)}, "gone"); err != nil {
			t.Fatal(err)
		}
	}
	closeEngine(t, e)
	want(t, "coverage", query(t, path, "SELECT day, state, row_count, reason FROM mixduck.coverage ORDER BY day"), []string{
		"2026-11-01|complete|3|gone", "2026-11-02|partial|2|gone", "2026-11-03|unavailable|0|gone",
	})
	want(t, "rows", counts(t, path), []string{"2026-11-01|3", "2026-11-02|2"})
	again := open(t, storage.Config{Path: path})
	load(t, again, window(span(0, 1), events(first, 4, "again")))
	closeEngine(t, again)
	want(t, "a day that came after all", query(t, path, "SELECT state, row_count, coalesce(reason, '') FROM mixduck.coverage WHERE day = '2026-11-01'"),
		[]string{"complete|4|"})
}
