package console

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"mixduck/internal/wording"
)

// null is how a table shows NULL.
const null = "NULL"

// minColumns is the minimum width to which columns of a table too wide for the terminal are cut.
const minColumns = 8

// writeGrid writes all rows as a table of at most width columns of a terminal; 0 means any number. Numbers are
// right-aligned. Text that does not fit is cut, in the widest columns first.
func writeGrid(w io.Writer, rows *rowScanner, width int) error {
	heading := make([]string, len(rows.columns))
	right := make([]bool, len(rows.columns))
	for i, c := range rows.columns {
		heading[i], right[i] = wording.Printable(c.Name), isNumber(c.Type)
	}
	grid := [][]string{heading}
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		texts := make([]string, len(row))
		for i, v := range row {
			texts[i] = null
			if v != nil {
				texts[i] = wording.Printable(*v)
			}
		}
		grid = append(grid, texts)
	}
	widths := fit(grid, width)
	out := bufio.NewWriter(w)
	for _, row := range grid {
		var line strings.Builder
		for i, text := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			text = wording.Cut(text, widths[i])
			if right[i] {
				line.WriteString(strings.Repeat(" ", widths[i]-wording.Columns(text)) + text)
			} else {
				line.WriteString(wording.Pad(text, widths[i]))
			}
		}
		// If there are still too many columns, the line ends at the edge of the terminal.
		if _, err := out.WriteString(wording.Cut(strings.TrimRight(line.String(), " "), width) + "\n"); err != nil {
			return err
		}
	}
	return out.Flush()
}

// fit returns widths for the columns that, including gaps, take at most width if possible.
func fit(grid [][]string, width int) []int {
	widths := make([]int, len(grid[0]))
	for _, row := range grid {
		for i, text := range row {
			widths[i] = max(widths[i], wording.Columns(text))
		}
	}
	for width > 0 {
		total, widest := 2*(len(widths)-1), 0
		for i, w := range widths {
			total += w
			if w > widths[widest] {
				widest = i
			}
		}
		if total <= width || widths[widest] <= minColumns {
			break
		}
		second := minColumns
		for i, w := range widths {
			if i != widest && w < widths[widest] {
				second = max(second, w)
			}
		}
		widths[widest] -= min(total-width, max(1, widths[widest]-second))
	}
	return widths
}

// isNumber reports whether values of a type are right-aligned.
func isNumber(t string) bool {
	name, _, _ := strings.Cut(t, "(")
	switch name {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
		"FLOAT", "DOUBLE", "DECIMAL", "BIGNUM":
		return true
	}
	return false
}

// writePlain writes a line per row, without a heading. Values are escaped and separated by tabs; NULL is empty.
func writePlain(w io.Writer, rows *rowScanner) error {
	out := bufio.NewWriter(w)
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		texts := make([]string, len(row))
		for i, v := range row {
			if v != nil {
				texts[i] = escaped(*v)
			}
		}
		if _, err := out.WriteString(strings.Join(texts, "\t") + "\n"); err != nil {
			return err
		}
	}
}

// isPlan reports whether the rows are the output of EXPLAIN, which is already drawn.
func isPlan(columns []Column) bool {
	return len(columns) == 2 && columns[0].Name == "explain_key" && columns[1].Name == "explain_value"
}

func writePlan(w io.Writer, rows *rowScanner) error {
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if row[1] != nil {
			if _, err := io.WriteString(w, wording.Text(*row[1])); err != nil {
				return err
			}
		}
	}
}
