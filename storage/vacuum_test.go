package storage_test

import (
	"testing"

	"mixduck/internal/day"
	"mixduck/storage"
)

// A table that only grows is written once: no checkpoint merges and rewrites the row groups of earlier loads, so the file
// has almost no free blocks.
func TestLoadsOfNewDaysLeaveNoFreeBlocks(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	const rows = 125_000 // more than a row group, so that each load leaves an incomplete one
	for i := range 2 {
		load(t, e, window(span(i, 1), events(first+day.Day(i), rows, "a")))
	}
	closeEngine(t, e)
	want(t, "free blocks are more than a tenth", query(t, path, "SELECT free_blocks > total_blocks / 10 FROM pragma_database_size()"), []string{"false"})

	e = open(t, storage.Config{Path: path}) // rows that are replaced do not stay
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	closeEngine(t, e)
	want(t, "rows", query(t, path, "SELECT count(*) FROM events"), []string{"125010"})
}
