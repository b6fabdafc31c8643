// Package draw places drawings of the page: what to draw where, in units of the drawing. It knows no HTML and no queue.
package draw

import (
	"cmp"
	"slices"
	"time"
)

// Span is a time in a lane.
type Span struct {
	Lane     string
	From, To time.Time
	Class    string // its color
	Title    string
	Link     string
}

// Chart is a drawing of spans, a row a lane. Times when nothing happened are squeezed.
type Chart struct {
	Rows  []Row
	Ticks []Tick
	Gaps  []Gap
}

// Row is a lane of a chart.
type Row struct {
	Lane string
	Bars []Bar
}

// Bar is a span of a row.
type Bar struct {
	Span

	X, Width int
}

// Tick is a time on the axis.
type Tick struct {
	X  int
	At time.Time
}

// Gap is a squeezed time.
type Gap struct {
	X, Width int
	From, To time.Time
}

// The sizes of a chart.
const (
	ChartWidth = 1000
	gapWidth   = 24
	leastBar   = 3
	pause      = 30 * time.Minute // times without a span that are longer than this are squeezed
	margin     = time.Minute      // is left of a squeezed time at both ends
	maxTicks   = 8
	maxGaps    = 12 // shorter pauses are not squeezed if there are more
)

// Gantt draws the parts of spans between from and to. Lanes are in the order of their last span, newest first.
func Gantt(spans []Span, from, to time.Time) Chart {
	var inside []Span
	for _, s := range spans {
		if s.To.Before(from) || s.From.After(to) || s.To.Before(s.From) {
			continue
		}
		s.From, s.To = later(s.From, from), earlier(s.To, to)
		inside = append(inside, s)
	}
	if len(inside) == 0 {
		return Chart{}
	}
	slices.SortStableFunc(inside, func(a, b Span) int { return cmp.Or(b.To.Compare(a.To), cmp.Compare(a.Lane, b.Lane)) })
	scale := newScale(idle(inside, from, to), from, to)
	c := Chart{Gaps: scale.gaps, Ticks: scale.ticks()}
	rows := map[string]int{}
	for _, s := range inside {
		i, ok := rows[s.Lane]
		if !ok {
			i = len(c.Rows)
			rows[s.Lane] = i
			c.Rows = append(c.Rows, Row{Lane: s.Lane})
		}
		x := scale.x(s.From)
		width := max(leastBar, scale.x(s.To)-x)
		c.Rows[i].Bars = append(c.Rows[i].Bars, Bar{Span: s, X: min(x, ChartWidth-width), Width: width})
	}
	return c
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// idle returns the times to squeeze, in order: the longest ones without a span.
func idle(spans []Span, from, to time.Time) []Gap {
	byStart := slices.SortedFunc(slices.Values(spans), func(a, b Span) int { return a.From.Compare(b.From) })
	var gaps []Gap
	at := from
	for _, s := range append(byStart, Span{From: to, To: to}) {
		if s.From.Sub(at) > pause {
			gaps = append(gaps, Gap{From: at.Add(margin), To: s.From.Add(-margin)})
		}
		at = later(at, s.To)
	}
	if len(gaps) > maxGaps {
		slices.SortFunc(gaps, func(a, b Gap) int { return cmp.Compare(b.To.Sub(b.From), a.To.Sub(a.From)) })
		gaps = gaps[:maxGaps]
		slices.SortFunc(gaps, func(a, b Gap) int { return a.From.Compare(b.From) })
	}
	return gaps
}

// scale places times.
type scale struct {
	from, to time.Time
	gaps     []Gap
	unit     float64 // width of a second that is not squeezed
}

func newScale(gaps []Gap, from, to time.Time) *scale {
	s := &scale{from: from, to: to, gaps: gaps}
	whole := to.Sub(from)
	for _, g := range gaps {
		whole -= g.To.Sub(g.From)
	}
	s.unit = float64(ChartWidth-gapWidth*len(gaps)) / max(1, whole.Seconds())
	for i := range s.gaps {
		s.gaps[i].X, s.gaps[i].Width = s.x(s.gaps[i].From), gapWidth
	}
	return s
}

// x returns the place of a time.
func (s *scale) x(t time.Time) int {
	wide, squeezed := t.Sub(s.from), 0.0
	for _, g := range s.gaps {
		if !t.After(g.From) {
			break
		}
		part := earlier(t, g.To).Sub(g.From)
		wide -= part
		squeezed += gapWidth * part.Seconds() / g.To.Sub(g.From).Seconds()
	}
	return int(wide.Seconds()*s.unit + squeezed)
}

// ticks returns round times that are not squeezed and not too close together.
func (s *scale) ticks() []Tick {
	var ticks []Tick
	last := -ChartWidth
	const step = 5 * time.Minute
	for at := s.from.Truncate(step).Add(step); at.Before(s.to); at = at.Add(step) {
		if slices.ContainsFunc(s.gaps, func(g Gap) bool { return at.After(g.From) && at.Before(g.To) }) {
			continue
		}
		if x := s.x(at); x-last >= ChartWidth/maxTicks && x < ChartWidth-ChartWidth/maxTicks/2 {
			ticks = append(ticks, Tick{X: x, At: at})
			last = x
		}
	}
	return ticks
}
