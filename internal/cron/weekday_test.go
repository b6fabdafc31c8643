package cron_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/cron"
)

// spellings returns the ways to write a day of 0 to 7 at an end of a range.
func spellings(day int) []string {
	names := []string{"sun", "Mon", "TUE", "wed", "thu", "fri", "sat", "SUN"}
	return []string{strconv.Itoa(day), "0" + strconv.Itoa(day), names[day]}
}

// TestWeekdayRanges tries each range of crontab(5), in which Sunday is both 0 and 7, with each step.
func TestWeekdayRanges(t *testing.T) {
	t.Parallel()
	for first := range 8 {
		for last := range 8 {
			for step := range 8 {
				for _, from := range spellings(first) {
					for _, to := range spellings(last) {
						checkWeekdays(t, first, last, step, from, to)
					}
				}
			}
		}
	}
}

func checkWeekdays(t *testing.T, first, last, step int, from, to string) {
	t.Helper()
	if strings.EqualFold(from, "sun") {
		first = 0 // the start of a week
	}
	if strings.EqualFold(to, "sun") && first > 0 {
		last = 7
	} else if strings.EqualFold(to, "sun") {
		last = 0
	}
	field := from + "-" + to
	if step > 0 {
		field += "/" + strconv.Itoa(step)
	}
	var want []int
	for day := first; day <= last; day += max(step, 1) {
		want = append(want, day%7)
	}
	slices.Sort(want)
	want = slices.Compact(want)
	for _, expr := range []string{"0 0 * * " + field, "0 0 * * " + field + "," + field} {
		s, err := cron.Parse(expr, nil)
		if (err == nil) != (first <= last) {
			t.Errorf("Parse(%q) = %v", expr, err)
		}
		if err != nil {
			if !strings.Contains(err.Error(), fmt.Sprintf("%q", expr)) {
				t.Errorf("Parse(%q) = %v, which does not name it", expr, err)
			}
			continue
		}
		if diff := cmp.Diff(want, firing(s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expr, diff)
		}
	}
}

// firing returns the weekdays on which s fires, in order, 0 for Sunday.
func firing(s cron.Schedule) (days []int) {
	sunday := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for i := range 7 {
		at := sunday.AddDate(0, 0, i)
		if !s.Latest(at.Add(-time.Second), at).IsZero() {
			days = append(days, i)
		}
	}
	return days
}

func TestWeekdayLists(t *testing.T) {
	t.Parallel()
	for field, want := range map[string][]int{
		"7": {0}, "07": {0}, "0,7": {0}, "7/2": {0}, "1-3,5-7/2": {0, 1, 2, 3, 5}, "mon,7": {0, 1}, "sat-7": {0, 6}, "*/3": {0, 3, 6}, "7-7": {0},
		"2/2": {2, 4, 6}, "sun": {0}, "sun/3": {0, 3, 6},
	} {
		s, err := cron.Parse("0 0 * * "+field, nil)
		if err != nil {
			t.Errorf("%s: %v", field, err)
			continue
		}
		if diff := cmp.Diff(want, firing(s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", field, diff)
		}
	}
	for _, field := range []string{"8", "1-8", "8-7", "7-1", "1-7/0", "7/0", "1-7/99999999999999999999", "-7", "7-", "1-7-7"} {
		if _, err := cron.Parse("0 0 * * "+field, nil); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("day of week %q", field)) {
			t.Errorf("%s: error = %v", field, err)
		}
	}
}
