package config

import "strings"

// didYouMean returns a suggestion for a text that is not in allowed, to append to a message, or "" if none is similar.
func didYouMean(typed string, allowed []string) string {
	best, least := "", 3
	for _, word := range allowed {
		d := distance(strings.ToLower(typed), strings.ToLower(word))
		if d < least && d <= max(1, len(word)/3) {
			best, least = word, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance returns the minimum number of letters to change, add, remove or swap with a neighbor to turn a into b.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		older := before
		before, row = row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(before[j]+cost, before[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], older[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
