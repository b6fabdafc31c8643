package page_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/web/page"
)

func TestCalendar(t *testing.T) {
	t.Parallel()
	first := day.New(2026, time.January, 30)
	days := jobs.NewDays([]jobs.StoredDay{
		{Day: first, State: jobs.DayComplete, Rows: 1000},
		{Day: first + 1, State: jobs.DayComplete, Rows: 0},
		{Day: first + 2, State: jobs.DayUnavailable},
		{Day: first + 4, State: jobs.DayComplete, Rows: 260, Changed: true, Quarantined: true},
		{Day: first + 5, State: jobs.DayPartial, Rows: 1, Quarantined: true},
	})
	want := []string{
		"Feb 2026 | 2026-02-01: no longer served by Mixpanel | cg×", "Feb 2026 | 2026-02-02: missing | cm!",
		"Feb 2026 | 2026-02-03: complete, 260 rows, changed later, lines in quarantine | c2 cl cq", "Feb 2026 | 2026-02-04: partial, 1 row, lines in quarantine | cp cq",
		"Jan 2026 | 2026-01-30: complete, 1,000 rows | c4", "Jan 2026 | 2026-01-31: complete, 0 rows | cz",
	}
	if diff := cmp.Diff(want, page.Calendar(days)); diff != "" {
		t.Errorf("the calendar (-want +got):\n%s", diff)
	}
	classes, heights := page.Strip(days)
	if diff := cmp.Diff([]string{"f3", "f3", "fg", "fm", "f3", "fp"}, classes); diff != "" {
		t.Errorf("the strip (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{28, 2, 14, 14, 7, 2}, heights); diff != "" {
		t.Errorf("the heights of its bars (-want +got):\n%s", diff)
	}
}

func TestStripShowsTheLastDays(t *testing.T) {
	t.Parallel()
	var days jobs.Days
	for n := range day.Day(400) {
		days = append(days, jobs.StoredDay{Day: day.Earliest + n, State: jobs.DayComplete, Rows: int64(n)})
	}
	if _, heights := page.Strip(days); len(heights) != 60 || heights[59] != 28 || heights[0] < 20 {
		t.Errorf("%d bars, the first %d and the last %d high", len(heights), heights[0], heights[len(heights)-1])
	}
	if classes, _ := page.Strip(nil); len(classes) != 0 {
		t.Errorf("bars of no days: %v", classes)
	}
}
