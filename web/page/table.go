package page

import (
	"context"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/status"
)

var tableView = &view{name: "table", title: "Table", tab: "tables", build: buildTable, parts: []string{"head", "days", "panel", "side"}}

// bar is a day in a strip of days.
type bar struct {
	X, Y, Height int    // in units of the drawing
	Class        string // its color
}

// The size of a strip, in units of its drawing.
const (
	stripDays   = 60
	stripStep   = 5
	stripHeight = 28
)

// strip draws the last days of a day map: the height of a bar shows its rows compared to the most of these days.
func strip(days jobs.Days) []bar {
	days = days[max(0, len(days)-stripDays):]
	most := int64(1)
	for _, d := range days {
		most = max(most, d.Rows)
	}
	bars := make([]bar, 0, len(days))
	for i, d := range days {
		b := bar{X: (stripDays - len(days) + i) * stripStep, Height: max(2, int(d.Rows*stripHeight/most)), Class: classes[d.State]}
		if d.State == jobs.DayMissing || d.State == jobs.DayUnavailable {
			b.Height = stripHeight / 2
		}
		b.Y = stripHeight - b.Height
		bars = append(bars, b)
	}
	return bars
}

// bars returns the SVG of a strip: a path for each color. An overview can have thousands of bars, too many for a template.
func bars(strip []bar) template.HTML {
	paths := map[string][]byte{}
	for _, b := range strip {
		paths[b.Class] = fmt.Appendf(paths[b.Class], "M%d %dh4v%dh-4z", b.X, b.Y, b.Height)
	}
	var out []byte
	for _, class := range slices.Sorted(maps.Keys(paths)) {
		out = fmt.Appendf(out, `<path class="%s" d="%s"/>`, class, paths[class])
	}
	return htmlOf(out)
}

// classes are the colors of bars.
var classes = map[jobs.DayState]string{jobs.DayComplete: "f3", jobs.DayPartial: "fp", jobs.DayUnavailable: "fg", jobs.DayMissing: "fm"}

// tablePage shows the days of a table.
type tablePage struct {
	tableLine

	Months []month   `json:"-"`
	Days   []dayLine `json:"days"`
	Day    *dayLine  `json:"day,omitempty"` // that was chosen
	Tab    string    `json:"-"`             // what of the whole table is shown instead of its days: an inspection; "" for days
	Panels []panel   `json:"panels"`
	Fetch  fetchForm `json:"-"`
}

// dayLine is a day of a table in JSON.
type dayLine struct {
	Day   day.Day `json:"day"`
	State string  `json:"state"`
	Rows  int64   `json:"rows"`

	Changed     bool `json:"changed"`     // a later fetch changed the stored day
	Quarantined bool `json:"quarantined"` // lines in quarantine belong, or may belong, to the day
}

// month is a line of the calendar.
type month struct {
	Name  string
	Cells [32]cell // by the day of the month; the first is unused
	Rows  int64
}

// cell is a day of the calendar.
type cell struct {
	Class, Sign, Label string // no Label: the day is not in the day map
	Day                string
	Chosen             bool // its details are shown
}

func buildTable(ctx context.Context, p *Page, b *Backend, r *http.Request) (any, error) {
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	t, err := l.find(q.Get("database"), q.Get("table"))
	if err != nil {
		return nil, err
	}
	page := newTablePage(l, t)
	if text := q.Get("day"); text != "" {
		if err := page.choose(text); err != nil {
			return nil, err
		}
	}
	page.Panels, err = p.panels(ctx, b, l, page.tableLine, q.Get("look"))
	if page.Day == nil && len(page.Panels) > 0 {
		page.Tab = page.Panels[0].Inspect
	}
	return page, err
}

// newTablePage returns the page of a table.
func newTablePage(l *look, t status.Table) *tablePage {
	days := l.days[t.State.Database][t.State.Table]
	page := &tablePage{tableLine: newTableLine(t), Months: months(days), Days: make([]dayLine, 0, len(days)), Panels: []panel{}}
	for _, d := range days {
		page.Days = append(page.Days, dayLine{Day: d.Day, State: d.State.String(), Rows: d.Rows, Changed: d.Changed, Quarantined: d.Quarantined})
	}
	return page
}

// choose marks a day of the calendar.
func (t *tablePage) choose(text string) error {
	chosen, err := day.Parse(text)
	if err != nil {
		return fault.Usage("2026-01-31", "%w", err)
	}
	t.Day = &dayLine{Day: chosen, State: "not stored"}
	if i := slices.IndexFunc(t.Days, func(d dayLine) bool { return d.Day == chosen }); i >= 0 {
		t.Day = &t.Days[i]
	}
	t.Fetch.From = text
	for i := range t.Months {
		for j := range t.Months[i].Cells {
			t.Months[i].Cells[j].Chosen = t.Months[i].Cells[j].Day == text
		}
	}
	return nil
}

// months returns the calendar of a day map, the newest month first.
func months(days jobs.Days) []month {
	var most int64
	for _, d := range days {
		most = max(most, d.Rows)
	}
	var all []month
	name := ""
	for _, d := range slices.Backward(days) {
		at := d.Day.Start(time.UTC)
		if m := at.Format("Jan 2006"); m != name {
			name = m
			all = append(all, month{Name: m})
		}
		m := &all[len(all)-1]
		m.Cells[at.Day()] = newCell(d, most)
		m.Rows += d.Rows
	}
	return all
}

// newCell returns the cell of a day; the strength of its color is the quarter of most that its rows are in.
func newCell(d jobs.StoredDay, most int64) cell {
	c := cell{Day: d.Day.String(), Label: fmt.Sprintf("%s: %s, %s", d.Day, d.State, wording.Counted(d.Rows, "row"))}
	switch d.State {
	case jobs.DayMissing:
		c.Class, c.Sign, c.Label = "cm", "!", fmt.Sprintf("%s: missing", d.Day)
	case jobs.DayUnavailable:
		c.Class, c.Sign, c.Label = "cg", "×", fmt.Sprintf("%s: no longer served by Mixpanel", d.Day)
	case jobs.DayPartial:
		c.Class = "cp"
	case jobs.DayComplete:
		c.Class = "cz"
		if d.Rows > 0 {
			c.Class = fmt.Sprintf("c%d", 1+min(3, d.Rows*4/(most+1)))
		}
	}
	if d.Changed {
		c.Class, c.Label = c.Class+" cl", c.Label+", changed later"
	}
	if d.Quarantined {
		c.Class, c.Label = c.Class+" cq", c.Label+", lines in quarantine"
	}
	return c
}

// cells returns the HTML of the days of a month: links to their details. A calendar can have thousands, too many for a template.
func cells(query string, m month) template.HTML {
	query = template.HTMLEscapeString(query)
	var b strings.Builder
	for i := 1; i < len(m.Cells); i++ {
		c := &m.Cells[i]
		if c.Label == "" {
			b.WriteString("<td></td>")
			continue
		}
		chosen := ""
		if c.Chosen {
			chosen = ` aria-current="date"`
		}
		fmt.Fprintf(&b, `<td><a class="c %s" id="d%s" href="?%s&amp;day=%[2]s#panel" title="%[4]s" aria-label="%[4]s"%[5]s>%[6]s</a></td>`, c.Class, c.Day, query, c.Label, chosen, c.Sign)
	}
	return htmlOf([]byte(b.String()))
}

// ranges names ranges of days, the first few.
func ranges(all []day.Range) string {
	const few = 3
	names := make([]string, 0, few+1)
	for i, r := range all {
		if i == few {
			names = append(names, fmt.Sprintf("and %d more", len(all)-few))
			break
		}
		names = append(names, r.String())
	}
	return strings.Join(names, ", ")
}
