package workspace

import (
	"slices"

	"mixduck/internal/day"
	"mixduck/storage"
)

// union returns the days of all ranges in ascending order, each day once.
func union(ranges []day.Range) []day.Range {
	var all []day.Range
	for _, r := range slices.SortedFunc(slices.Values(ranges), func(a, b day.Range) int { return int(a.From - b.From) }) {
		last := len(all) - 1
		switch {
		case r.Len() == 0:
		case last >= 0 && r.From <= all[last].To+1:
			all[last].To = max(all[last].To, r.To)
		default:
			all = append(all, r)
		}
	}
	return all
}

// subtract returns the days of ranges that are not in taken, in ascending order, each day once.
func subtract(ranges, taken []day.Range) []day.Range {
	taken = union(taken)
	var left []day.Range
	for _, r := range union(ranges) {
		for _, t := range taken {
			if t.To < r.From || t.From > r.To {
				continue
			}
			left = append(left, day.Range{From: r.From, To: t.From - 1})
			r.From = t.To + 1
		}
		left = append(left, r)
	}
	return union(left)
}

// countDays returns the number of days in ranges, which must not overlap.
func countDays(ranges []day.Range) (days int) {
	for _, r := range ranges {
		days += r.Len()
	}
	return days
}

func ranges(days []day.Day) []day.Range {
	rs := make([]day.Range, len(days))
	for i, d := range days {
		rs[i] = day.Range{From: d, To: d}
	}
	return rs
}

// windows returns the days of receipts.
func windows(receipts []storage.Receipt) (all []day.Range) {
	for _, r := range receipts {
		all = append(all, r.Days)
	}
	return all
}
