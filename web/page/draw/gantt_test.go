package draw_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"mixduck/web/page/draw"
)

var start = time.Date(2026, time.November, 27, 12, 0, 0, 0, time.UTC)

func span(lane string, from, to time.Duration) draw.Span {
	return draw.Span{Lane: lane, From: start.Add(from), To: start.Add(to)}
}

func TestGantt(t *testing.T) {
	t.Parallel()
	end := start.Add(24 * time.Hour)
	c := draw.Gantt([]draw.Span{
		span("a", -2*time.Hour, -time.Hour), span("a", time.Hour, 2*time.Hour), span("b", 90*time.Minute, 90*time.Minute),
		span("b", 23*time.Hour, 30*time.Hour), span("c", 25*time.Hour, 26*time.Hour),
	}, start, end)
	if len(c.Rows) != 2 || c.Rows[0].Lane != "b" || c.Rows[1].Lane != "a" || len(c.Rows[0].Bars) != 2 || len(c.Rows[1].Bars) != 1 {
		t.Fatalf("rows %+v", c.Rows)
	}
	if len(c.Gaps) != 2 || c.Gaps[1].From != start.Add(2*time.Hour+time.Minute) || c.Gaps[1].To != start.Add(23*time.Hour-time.Minute) {
		t.Errorf("squeezed: %+v", c.Gaps)
	}
	running, hour := c.Rows[0].Bars[0], c.Rows[1].Bars[0]
	if running.X+running.Width != draw.ChartWidth || running.To != end || hour.Width < 450 || running.Width < 450 {
		t.Errorf("the bars of an hour each are at %+v and %+v", running, hour)
	}
	if len(c.Ticks) == 0 {
		t.Error("the axis has no times")
	}
	if empty := draw.Gantt([]draw.Span{span("a", -2*time.Hour, -time.Hour)}, start, end); len(empty.Rows) > 0 {
		t.Errorf("nothing is drawn as %+v", empty)
	}
}

// Bars stay inside, in the order of time, and at least as wide as a bar that can be seen.
func TestGanttKeepsOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var spans []draw.Span
		for range rapid.IntRange(1, 60).Draw(t, "spans") {
			from := time.Duration(rapid.IntRange(-100, 24*60).Draw(t, "from")) * time.Minute
			took := time.Duration(rapid.IntRange(0, 300).Draw(t, "took")) * time.Minute
			spans = append(spans, span("lane", from, from+took))
		}
		c := draw.Gantt(spans, start, start.Add(24*time.Hour))
		for _, row := range c.Rows {
			for i, b := range row.Bars {
				if b.X < 0 || b.Width < 3 || b.X+b.Width > draw.ChartWidth {
					t.Fatalf("bar %+v is outside", b)
				}
				for _, other := range row.Bars[i:] {
					if b.From.After(other.From) && b.X < other.X-3 {
						t.Fatalf("%+v is left of the earlier %+v", b, other)
					}
				}
			}
		}
		for i := 1; i < len(c.Ticks); i++ {
			if c.Ticks[i].X <= c.Ticks[i-1].X {
				t.Fatalf("ticks %+v", c.Ticks)
			}
		}
	})
}
