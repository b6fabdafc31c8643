package console

import (
	"strings"

	"mixduck/internal/wording"
)

// Table formats rows, starting with a heading, in lines of at most width columns; 0 means any number. It makes cells
// [wording.Printable].
func Table(rows [][]string, width int) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			row[i] = wording.Printable(cell)
			widths[i] = max(widths[i], wording.Columns(row[i]))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i := range row {
			row[i] = wording.Pad(row[i], widths[i])
		}
		b.WriteString(wording.Cut(strings.TrimRight(strings.Join(row, "  "), " "), width) + "\n")
	}
	return b.String()
}
