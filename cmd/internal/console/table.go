package console

import (
	"strings"
)

// Table returns the rows, the first of which is a heading, in columns, none with more than width columns; 0 means any
// number.
func Table(rows [][]string, width int) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], Columns(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i := range row {
			row[i] = Pad(row[i], widths[i])
		}
		b.WriteString(Cut(strings.TrimRight(strings.Join(row, "  "), " "), width) + "\n")
	}
	return b.String()
}
