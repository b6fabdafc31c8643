package config

import "strings"

// didYouMean returns what to add to a message about a text that is none of allowed, "" if nothing is like it.
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

// distance returns how many letters have to be changed, added, left out or swapped with their neighbour to make b of a.
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
