package main

import (
	"strings"

	"mixduck/jobs"
)

// table returns the rows, the first of which is a heading, in columns, none with more than width columns; 0 means any
// number.
func table(rows [][]string, width int) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i := range row {
			row[i] = pad(row[i], widths[i])
		}
		b.WriteString(cut(strings.TrimRight(strings.Join(row, "  "), " "), width) + "\n")
	}
	return b.String()
}

// shortName returns how people name a database.
func shortName(database string) string {
	return printable(strings.TrimPrefix(database, jobs.DefaultVolume+"/"))
}
