package storage_test

import (
	"fmt"
	"testing"

	"mixduck/storage"
)

// Days that later fetches changed, and those with lines in quarantine, have marks: after a load, and after the end of a job.
func TestMarksOfDays(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 2), events(first, 10, "a"), event(first, 86399, "b"), event(first-1, 86399, "early"), `{"event":"e","properties":{"time":"x"}}`+"\n", event(first+1, 1, "c")))
	load(t, e, window(span(2, 1), "bad\n", events(first+2, 10, "a")))
	load(t, e, window(span(3, 2), events(first+3, 10, "a"), events(first+4, 10, "b")))
	again := window(span(3, 2), events(first+3, 10, "a"), events(first+4, 12, "b"))
	again.Job = "job-2"
	load(t, e, again)
	marks := func(days []storage.Coverage) (all []string) {
		for _, d := range days {
			all = append(all, fmt.Sprintf("%d %t %t", d.Day-first, d.Changed, d.Quarantined))
		}
		return all
	}
	// The day of the line in the first window is not known.
	wanted := []string{"0 false true", "1 false true", "2 false true", "3 false false", "4 true false"}
	stored, err := e.Coverage(t.Context(), "events", span(-5, 20))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "marks after a load", marks(stored), wanted)
	closeEngine(t, e)
	held, err := storage.ReadTableStates(t.Context(), storage.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "marks of the file", marks(held.Days["events"]), wanted)
}
