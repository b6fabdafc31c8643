package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// bar is a line of a chart.
type bar struct {
	label string
	value int64
}

// chartWidth is the width of a chart in an 80-column terminal.
const chartWidth = 78

// chart draws horizontal bars. The longest takes the full width.
func chart(w io.Writer, bars []bar) {
	labels, values, most := 0, 0, int64(1)
	for _, b := range bars {
		labels = max(labels, utf8.RuneCountInString(b.label))
		values = max(values, len(thousands(b.value)))
		most = max(most, b.value)
	}
	room := int64(chartWidth - labels - values - 4)
	for _, b := range bars {
		pad := strings.Repeat(" ", labels-utf8.RuneCountInString(b.label))
		fmt.Fprintf(w, "  %s%s %*s %s\n", b.label, pad, values, thousands(b.value), strings.Repeat("█", int(b.value*room/most)))
	}
}

// thousands formats 1234567 as 1,234,567.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
