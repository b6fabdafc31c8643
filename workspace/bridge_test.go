package workspace

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mixduck/internal/day"
)

// Days of late events result in as few ranges as possible: each starts and ends with such a day and is not too long,
// and none contains a day that Mixpanel no longer serves.
func TestBridge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		longest := rapid.IntRange(1, 12).Draw(t, "longest")
		var days []day.Day
		var gone []day.Range
		for d := range day.Day(60) {
			switch rapid.SampledFrom([]string{"", "", "", "late", "late", "gone"}).Draw(t, "day") {
			case "late":
				days = append(days, d)
			case "gone":
				if rapid.Bool().Draw(t, "really") {
					gone = append(gone, day.Range{From: d, To: d})
				}
			}
		}
		got := bridge(days, gone, longest)
		held, away := count(got...), count(gone...)
		for _, r := range got {
			if r.Len() > longest || !slices.Contains(days, r.From) || !slices.Contains(days, r.To) {
				t.Fatalf("%s is too long, or does not begin and end with one of %v", r, days)
			}
		}
		for _, d := range days {
			if held[d] != 1 {
				t.Fatalf("%s is in %d ranges", d, held[d])
			}
		}
		for d, n := range held {
			if n != 1 || away[d] > 0 {
				t.Fatalf("%s is in %d ranges of %v, gone are %v", d, n, got, gone)
			}
		}
		if want := fewest(days, away, longest); len(got) != want {
			t.Fatalf("%d ranges for %v, want %d", len(got), days, want)
		}
	})
}

// fewest tries every start of the last range.
func fewest(days []day.Day, away map[day.Day]int, longest int) int {
	best := make([]int, len(days)+1) // by number of days in ranges
	for n := 1; n <= len(days); n++ {
		best[n] = n
		for from := n; from >= 1; from-- {
			r := day.Range{From: days[from-1], To: days[n-1]}
			free := r.Len() <= longest
			for d := range r.All() {
				free = free && away[d] == 0
			}
			if free {
				best[n] = min(best[n], best[from-1]+1)
			}
		}
	}
	return best[len(days)]
}
