package storage_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/storage"
)

func TestDaysThatShrink(t *testing.T) {
	t.Parallel()
	const lookback = 3 // days from first on to which Mixpanel still adds events
	tests := []struct {
		name   string
		sent   []int // rows of days 0 and 1, before the lookback, and 3 and 4, within it; 100 are stored of each
		force  bool
		shrunk []int // offsets of the named days
	}{
		{name: "as many", sent: []int{100, 100, 100, 100}},
		{name: "more", sent: []int{101, 1000, 101, 1000}},
		{name: "half", sent: []int{50, 50, 50, 50}},
		{name: "less than half of an old day", sent: []int{49, 100, 100, 100}, shrunk: []int{0}},
		{name: "less than half of two old days", sent: []int{49, 1, 100, 100}, shrunk: []int{0, 1}},
		{name: "much less of a new day", sent: []int{100, 100, 1, 1}},
		{name: "nothing of a new day", sent: []int{100, 100, 100, 0}, shrunk: []int{4}},
		{name: "nothing of an old day", sent: []int{100, 0, 100, 100}, shrunk: []int{1}},
		{name: "nothing of two days and less than half of one", sent: []int{0, 49, 100, 0}, shrunk: []int{0, 1, 4}},
		{name: "next to nothing, by force", sent: []int{1, 0, 0, 0}, force: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			offsets := []int{0, 1, 3, 4}
			var before, after strings.Builder
			for i, offset := range offsets {
				before.WriteString(events(first+day.Day(offset), 100, "old"))
				after.WriteString(events(first+day.Day(offset), tt.sent[i], "new"))
			}
			load(t, e, window(span(0, 5), before.String()))
			w := window(span(0, 5), after.String())
			w.LookbackFrom, w.Force, w.Job = first+lookback, tt.force, "job-2"
			_, err := e.Load(t.Context(), w)
			closeEngine(t, e)
			prefix := "new"
			if tt.shrunk != nil {
				prefix = "old"
				var days []day.Day
				for _, offset := range tt.shrunk {
					days = append(days, first+day.Day(offset))
				}
				if !isShrunk(err, days...) {
					t.Errorf("Load = %v, want an error that names %v", err, days)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			want(t, "versions", query(t, path, "SELECT DISTINCT insert_id[:3] FROM events"), []string{prefix})
		})
	}
}

func TestShrunkErrorCounts(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	load(t, e, window(span(0, 5), events(first, 100, "a"), events(first+1, 200, "a"), events(first+4, 7, "a")))
	w := window(span(0, 5), events(first, 10, "a"), events(first+4, 8, "a"))
	w.LookbackFrom = first + 100
	_, err := e.Load(t.Context(), w)
	if shrunk, ok := errors.AsType[*storage.ShrunkError](err); !ok || shrunk.Stored != 300 || shrunk.Sent != 10 {
		t.Errorf("Load = %v, want 10 events where 300 are stored", err)
	}
}

func TestCoverageStates(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	w := window(span(0, 3), events(first, 3, "a"))
	w.FetchedAt = (first + 1).Start(time.UTC) // the first moment after day 0
	load(t, e, w)
	want(t, "coverage", coverage(t, e, span(-5, 100)), []string{"2026-11-01 complete 3", "2026-11-02 partial 0", "2026-11-03 partial 0"})
	w = window(span(1, 1), events(first+1, 4, "a"))
	w.FetchedAt = (first + 2).Start(time.UTC).Add(-time.Nanosecond)
	load(t, e, w)
	w = window(span(2, 1), events(first+2, 5, "a"))
	load(t, e, w)
	want(t, "coverage", coverage(t, e, span(0, 3)), []string{"2026-11-01 complete 3", "2026-11-02 partial 4", "2026-11-03 complete 5"})
	want(t, "coverage of a part", coverage(t, e, span(1, 1)), []string{"2026-11-02 partial 4"})
}

func TestOtherDaysStay(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 10), events(first, 5, "a"), events(first+4, 6, "a"), events(first+5, 7, "a"), events(first+9, 8, "a")))
	load(t, e, window(span(4, 2), events(first+4, 60, "b"), events(first+5, 70, "b")))
	closeEngine(t, e)
	want(t, "rows", counts(t, path), []string{"2026-11-01|5", "2026-11-05|60", "2026-11-06|70", "2026-11-10|8"})
}

func TestTablesThatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	for _, name := range []string{"", "missing", "a b", `x"; DROP TABLE events; --`, "1st", "mixduck.fence", strings.Repeat("x", 200)} {
		w := window(span(0, 1), events(first, 1, "a"))
		w.Table = name
		if _, err := e.Load(t.Context(), w); err == nil {
			t.Errorf("Load into %q succeeded", name)
		}
		if _, err := e.TopEvents(t.Context(), name, span(0, 1), 1); err == nil {
			t.Errorf("TopEvents of %q succeeded", name)
		}
		if name != "missing" {
			if _, err := e.Prepare(t.Context(), storage.Table{Name: name}); fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
				t.Errorf("Prepare of %q = %v, want a usage error with a hint", name, err)
			}
		}
	}
	want(t, "coverage of a missing table", len(coverage(t, e, span(0, 1))), 0)
}

func TestTopEvents(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	var lines strings.Builder
	for name, n := range map[string]int{"c": 5, "b": 7, "a": 5, "d": 1} {
		for i := range n {
			lines.WriteString(strings.Replace(event(first, i, name+strconv.Itoa(i)), `"e"`, `"`+name+`"`, 1))
		}
	}
	lines.WriteString(event(first+1, 1, "x"))
	load(t, e, window(span(0, 2), lines.String()))
	top, err := e.TopEvents(t.Context(), "events", span(0, 1), 3)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "events", top, []storage.EventCount{{Name: "b", Rows: 7}, {Name: "a", Rows: 5}, {Name: "c", Rows: 5}})
}
