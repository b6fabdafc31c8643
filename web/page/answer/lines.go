package answer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"mixduck/internal/wording"
	"mixduck/jobs"
)

// Lines is a plot of numbers over time.
type Lines struct {
	Label  string // of the numbers
	Series []Series
	Left   int // series that are left out, because their sum is smaller
	Y, X   []Tick
	Data   string // of a plot with many points, as JSON for a script; "" for few
}

// Series is a line.
type Series struct {
	Name   string
	Class  string
	Points string // of an SVG polyline
	LabelY float64
}

// Tick is a label of an axis.
type Tick struct {
	At   float64
	Text string
}

// The size of the drawing, in its units, and the most lines in it.
const (
	plotLeft, plotRight = 64.0, 640.0
	plotTop, plotBottom = 16.0, 186.0
	maxSeries           = 5
	manyPoints          = 2000 // more can be explored with a script
	labelHeight         = 14.0
)

// point is a value at a time.
type point struct {
	at    time.Time
	value float64
}

// newLines returns the lines of a result with a time in its first column; nil if there is nothing to draw.
func newLines(columns []jobs.Column, rows [][]Cell) *Lines {
	l := &Lines{}
	series := map[string][]point{}
	var names []string
	add := func(name string, at time.Time, c Cell) {
		if v, ok := number(c); ok {
			if _, known := series[name]; !known {
				names = append(names, name)
			}
			series[name] = append(series[name], point{at, v})
		}
	}
	numbers := numeric(columns)
	byText := len(columns) > 2 && !IsNumber(columns[1].Type) && len(numbers) > 0
	for _, row := range rows {
		at, ok := moment(row[0])
		if !ok {
			return nil
		}
		if byText {
			add(text(row[1]), at, row[numbers[0]])
			continue
		}
		for _, i := range numbers {
			add(columns[i].Name, at, row[i])
		}
	}
	if byText {
		l.Label = columns[numbers[0]].Name
	}
	names = l.choose(names, series)
	if !l.draw(names, series) {
		return nil
	}
	return l
}

// numeric returns the indexes of columns with numbers, except the first column.
func numeric(columns []jobs.Column) (all []int) {
	for i, c := range columns {
		if i > 0 && IsNumber(c.Type) {
			all = append(all, i)
		}
	}
	return all
}

// moment returns the time in a cell with a DATE or a TIMESTAMP.
func moment(c Cell) (time.Time, bool) {
	if c == nil {
		return time.Time{}, false
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02 15:04:05-07"} {
		if t, err := time.Parse(layout, *c); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// choose returns the series with the largest sums, in their order.
func (l *Lines) choose(names []string, series map[string][]point) []string {
	if len(names) <= maxSeries {
		return names
	}
	sums := map[string]float64{}
	for name, points := range series {
		for _, p := range points {
			sums[name] += math.Abs(p.value)
		}
	}
	largest := slices.SortedStableFunc(slices.Values(names), func(a, b string) int { return cmp.Compare(sums[b], sums[a]) })[:maxSeries]
	l.Left = len(names) - maxSeries
	return slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(largest, name) })
}

// draw sets the drawing. It returns false if all points are at one time.
func (l *Lines) draw(names []string, series map[string][]point) bool {
	var first, last time.Time
	low, high := 0.0, 0.0
	times := map[time.Time]bool{}
	for _, name := range names {
		for _, p := range series[name] {
			times[p.at] = true
			low, high = min(low, p.value), max(high, p.value)
		}
	}
	if len(times) < 2 {
		return false
	}
	all := slices.SortedFunc(maps.Keys(times), time.Time.Compare)
	first, last = all[0], all[len(all)-1]
	l.axis(low, high)
	low, high = l.bounds(low, high)
	x := func(t time.Time) float64 {
		return plotLeft + (plotRight-plotLeft)*float64(t.Sub(first))/float64(last.Sub(first))
	}
	y := func(v float64) float64 { return plotBottom - (plotBottom-plotTop)*(v-low)/(high-low) }
	for i := range l.Y {
		l.Y[i].At = y(l.Y[i].At)
	}
	const labels = 5
	step := max(1, (len(all)-1+labels-1)/labels)
	for i := 0; i < len(all); i += step {
		l.X = append(l.X, Tick{x(all[i]), dateLabel(all[i], first, last)})
	}
	for i, name := range names {
		points := series[name]
		slices.SortStableFunc(points, func(a, b point) int { return a.at.Compare(b.at) })
		var b strings.Builder
		for _, p := range thin(points) {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(p.at), y(p.value))
		}
		l.Series = append(l.Series, Series{Name: name, Class: "st" + strconv.Itoa(i+1), Points: strings.TrimSpace(b.String()), LabelY: y(points[len(points)-1].value)})
	}
	l.spread()
	if len(all)*len(names) > manyPoints {
		l.Data = plotData(names, series, all)
	}
	return true
}

// thin leaves out points that cannot be seen, if there are many: it keeps the lowest and the highest of each stretch.
func thin(points []point) []point {
	const stretches = 600
	if len(points) <= 2*stretches {
		return points
	}
	var kept []point
	for i := range stretches {
		stretch := points[i*len(points)/stretches : (i+1)*len(points)/stretches]
		low, high := 0, 0
		for j, p := range stretch {
			if p.value < stretch[low].value {
				low = j
			}
			if p.value > stretch[high].value {
				high = j
			}
		}
		kept = append(kept, stretch[min(low, high)])
		if low != high {
			kept = append(kept, stretch[max(low, high)])
		}
	}
	return kept
}

// plotData returns the points as the script of the page reads them. A line has null where it has no point.
func plotData(names []string, series map[string][]point, times []time.Time) string {
	type line struct {
		Name   string     `json:"name"`
		Values []*float64 `json:"values"`
	}
	data := struct {
		X      []float64 `json:"x"` // seconds since 1970
		Series []line    `json:"series"`
	}{X: make([]float64, len(times))}
	at := map[time.Time]int{}
	for i, t := range times {
		data.X[i], at[t] = float64(t.UnixMilli())/1000, i
	}
	for _, name := range names {
		values := make([]*float64, len(times))
		for _, p := range series[name] {
			values[at[p.at]] = &p.value
		}
		data.Series = append(data.Series, line{name, values})
	}
	b, err := json.Marshal(data)
	if err != nil {
		return "" // not with finite numbers
	}
	return string(b)
}

func dateLabel(t, first, last time.Time) string {
	switch {
	case first.Year() != last.Year():
		return t.Format("Jan 2006")
	case last.Sub(first) < 48*time.Hour:
		return t.Format("15:04")
	}
	return t.Format("2 Jan")
}

// axis sets the labels of the numbers: round ones, about four.
func (l *Lines) axis(low, high float64) {
	if low == high {
		high = low + 1
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*factor) <= 5 {
			step *= factor
			break
		}
	}
	for v := math.Floor(low/step) * step; ; v += step {
		l.Y = append(l.Y, Tick{v, shortNumber(v)})
		if v >= high {
			return
		}
	}
}

// bounds returns the range of the numbers that includes all labels.
func (l *Lines) bounds(low, high float64) (from, to float64) {
	return min(low, l.Y[0].At), max(high, l.Y[len(l.Y)-1].At)
}

// shortNumber returns a round number for a label.
func shortNumber(v float64) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e9, " bn"}, {1e6, " m"}, {1e4, " k"}} {
		if math.Abs(v) >= unit.of {
			of := unit.of
			if of == 1e4 {
				of = 1e3
			}
			return strconv.FormatFloat(v/of, 'g', 4, 64) + unit.name
		}
	}
	if v == math.Trunc(v) {
		return wording.Grouped(int64(v))
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// spread moves the names of lines apart.
func (l *Lines) spread() {
	order := make([]*Series, len(l.Series))
	for i := range l.Series {
		order[i] = &l.Series[i]
	}
	slices.SortStableFunc(order, func(a, b *Series) int { return cmp.Compare(a.LabelY, b.LabelY) })
	for i := 1; i < len(order); i++ {
		order[i].LabelY = max(order[i].LabelY, order[i-1].LabelY+labelHeight)
	}
	for i, one := range slices.Backward(order) {
		most := plotBottom + 4 - labelHeight*float64(len(order)-1-i)
		one.LabelY = min(one.LabelY, most)
	}
}
