package answer

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"mixduck/jobs"
)

// MaxPlotRows is how many rows a plot is made of. Longer results have none.
const MaxPlotRows = 10_000

// Plot is a drawing of a result. One of its fields is set.
type Plot struct {
	Lines  *Lines
	Funnel []Bar
	Heat   *Heat
}

// NewPlot returns a plot of all rows of a result, or nil if they have no shape that can be drawn: a step with its users, a
// cohort with its intervals, or a day in the first column.
func NewPlot(columns []jobs.Column, rows [][]Cell) *Plot {
	at := func(name string) int {
		return slices.IndexFunc(columns, func(c jobs.Column) bool { return c.Name == name })
	}
	switch {
	case len(rows) == 0 || len(columns) < 2:
		return nil
	case at("step") >= 0 && at("event") >= 0 && at("users") >= 0:
		if bars := funnel(rows, at("step"), at("event"), at("users"), at("value")); len(bars) > 0 {
			return &Plot{Funnel: bars}
		}
	case at("cohort") >= 0 && at("interval_number") >= 0 && at("percent") >= 0 && at("users") >= 0:
		return &Plot{Heat: newHeat(rows, at("cohort"), at("users"), at("interval_number"), at("percent"))}
	case columns[0].Type == "DATE" || strings.HasPrefix(columns[0].Type, "TIMESTAMP"):
		if l := newLines(columns, rows); l != nil {
			return &Plot{Lines: l}
		}
	}
	return nil
}

// number returns the value of a cell that is a number.
func number(c Cell) (float64, bool) {
	if c == nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(*c, 64)
	return f, err == nil && math.Abs(f) < 1e300
}

func text(c Cell) string {
	if c == nil {
		return "none"
	}
	return *c
}

// Bar is a step of a funnel.
type Bar struct {
	Y     int
	Width int // 0 to BarWidth
	Name  string
	Users string
	All   string // percentage of the first step
	Went  string // percentage of the step before; "" for the first step
}

// The size of a bar and its distance from the next one, in units of the drawing.
const (
	BarWidth = 560
	barStep  = 46
)

// funnel returns the steps of the first group of a funnel.
func funnel(rows [][]Cell, step, event, users, value int) (bars []Bar) {
	group := func(row []Cell) string {
		if value < 0 {
			return ""
		}
		return text(row[value])
	}
	first, before := 0.0, 0.0
	for i, row := range rows {
		n, ok := number(row[users])
		if !ok || group(row) != group(rows[0]) {
			break
		}
		b := Bar{Y: i * barStep, Name: text(row[step]) + ". " + text(row[event]), Users: text(row[users])}
		if i == 0 {
			first = n
		} else {
			b.Went = percent(n, before)
		}
		b.All, before = percent(n, first), n
		if first > 0 {
			b.Width = min(BarWidth, int(n/first*BarWidth))
		}
		bars = append(bars, b)
	}
	return bars
}

func percent(n, of float64) string {
	if of <= 0 {
		return "–"
	}
	return strconv.FormatFloat(100*n/of, 'f', 1, 64) + "%"
}

// Heat is a table of how many users of each cohort came back.
type Heat struct {
	Intervals []string
	Rows      []HeatRow
}

// HeatRow is a cohort.
type HeatRow struct {
	Cohort, Users string
	Cells         []HeatCell
}

// HeatCell is an interval of a cohort.
type HeatCell struct{ Text, Class string }

func newHeat(rows [][]Cell, cohort, users, interval, share int) *Heat {
	h := &Heat{}
	for _, row := range rows {
		name, column := text(row[cohort]), text(row[interval])
		if len(h.Rows) == 0 || h.Rows[len(h.Rows)-1].Cohort != name {
			h.Rows = append(h.Rows, HeatRow{Cohort: name, Users: text(row[users])})
		}
		if !slices.Contains(h.Intervals, column) {
			h.Intervals = append(h.Intervals, column)
		}
		at := slices.Index(h.Intervals, column)
		last := &h.Rows[len(h.Rows)-1]
		for len(last.Cells) <= at {
			last.Cells = append(last.Cells, HeatCell{})
		}
		if n, ok := number(row[share]); ok {
			last.Cells[at] = HeatCell{Text: strconv.FormatFloat(n, 'f', 1, 64) + "%", Class: "h" + strconv.Itoa(1+min(3, max(0, int(n/25))))}
		}
	}
	for i := range h.Rows {
		for len(h.Rows[i].Cells) < len(h.Intervals) {
			h.Rows[i].Cells = append(h.Rows[i].Cells, HeatCell{})
		}
	}
	return h
}
