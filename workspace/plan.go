package workspace

import (
	"slices"
	"time"

	"mixduck/internal/day"
	"mixduck/storage"
)

const (
	maxWindowDays   = 30 // the default of Config.WindowDays
	eventsPerWindow = 500_000

	// growth is the maximum ratio of a window's length to the longest successful one. With 6, lengths are 1, 6 and 30
	// days, so a sparse year takes 14 requests, and no guess goes further than one step beyond known data.
	growth = 6
)

// window is a range of days that are requested together.
type window struct {
	days    day.Range
	tries   int       // failed windows
	after   time.Time // earliest time of the next try
	empty   bool      // an earlier response for all these days was empty, so a second empty one is accepted
	repeat  bool      // some of these days were requested before, without success
	refusal string    // text of all refusals so far; "" if there were none or they differ
}

// plan divides the days of a fetch into windows, each day once. Failed windows come back with fewer days.
//
// Windows are long enough for about eventsPerWindow events, and never shorter than the hourly budget requires. So a
// sparse year does not take a request per day, and a dense week is not one huge response. While the density is
// unknown, windows grow in steps (see growth). If the number of windows is limited, and other jobs fetch the rest, the
// budget does not make windows longer.
type plan struct {
	todo    []day.Range // ascending; not yet planned
	again   []window    // failed windows
	density float64     // events per day; 0 if unknown
	most    int         // maximum days of any window
	reach   int         // maximum days of the next window from todo
	perHour int         // windows that the budget allows; 0 if requests are not counted
	handed  int         // number of windows so far
	emptied []day.Range // part of todo: days that came in an empty response before
	patient bool        // nothing has succeeded yet: after a failure, wait before trying other days

	newest  bool // newest days first; otherwise oldest first
	bounded bool // the number of windows from todo is limited
	windows int
}

// newPlan plans the days of todo, which must ascend. density is 0 if it is unknown; no window has more than most days.
func newPlan(todo []day.Range, density float64, perHour, most int) *plan {
	p := &plan{todo: todo, density: density, perHour: perHour, most: most, reach: most}
	if density == 0 {
		p.reach = 1
	}
	return p
}

// next returns the next window, or the time at which one will be ready. A zero time means that there are no more
// windows. Failed windows come first once their time has come. A patient plan waits for them instead of trying other
// days.
func (p *plan) next(now time.Time) (w window, at time.Time) {
	fresh := len(p.todo) > 0 && (!p.bounded || p.windows != 0)
	for i, again := range p.again {
		if !again.after.After(now) && (!p.patient || !fresh) {
			p.again = slices.Delete(p.again, i, i+1)
			p.handed++
			return again, now
		}
		if at.IsZero() || again.after.Before(at) {
			at = again.after
		}
	}
	if !fresh || p.patient && at.After(now) {
		return window{}, at
	}
	days := p.cut(day.Day(p.length()))
	p.windows--
	p.handed++
	return window{days: days, empty: len(subtract([]day.Range{days}, p.emptied)) == 0}, now
}

// cut takes up to n days from one end of todo.
func (p *plan) cut(n day.Day) day.Range {
	if p.newest {
		last := len(p.todo) - 1
		r := &p.todo[last]
		days := day.Range{From: max(r.From, r.To-n+1), To: r.To}
		if r.To = days.From - 1; r.Len() == 0 {
			p.todo = p.todo[:last]
		}
		return days
	}
	r := &p.todo[0]
	days := day.Range{From: r.From, To: min(r.To, r.From+n-1)}
	if r.From = days.To + 1; r.Len() == 0 {
		p.todo = p.todo[1:]
	}
	return days
}

// length returns the number of days for the next window.
func (p *plan) length() int { return min(p.wanted(), p.reach) }

// learning reports whether windows are still shorter than wanted. Then one is requested at a time, because the next
// can be longer.
func (p *plan) learning() bool { return min(p.wanted(), countDays(p.todo)) > p.reach }

// wanted returns the number of days that a window should have for the known density, or must have because of the
// budget.
func (p *plan) wanted() int {
	shortest := 1
	if p.perHour > 0 && !p.bounded {
		windows := p.perHour - p.handed%p.perHour // left in this hour, or in the next
		shortest = (countDays(p.todo) + windows - 1) / windows
	}
	return min(max(p.longest(), shortest), p.most)
}

// longest returns the number of days with about eventsPerWindow events, as far as is known.
func (p *plan) longest() int {
	if p.density == 0 {
		return p.most
	}
	return max(1, int(min(float64(p.most), eventsPerWindow/p.density)))
}

// rest empties the plan and returns all days that are not planned or have come back. It does not return days left to
// other jobs; those stay.
func (p *plan) rest() (left []day.Range) {
	if !p.bounded {
		left, p.todo = p.todo, nil
	}
	for _, w := range p.again {
		left = append(left, w.days)
	}
	p.again = nil
	return left
}

// before removes the days before d that are not planned or have come back, and returns them.
func (p *plan) before(d day.Day) (older []day.Range) {
	for _, r := range p.todo {
		older = append(older, day.Range{From: r.From, To: min(r.To, d-1)})
	}
	for _, w := range p.again {
		older = append(older, day.Range{From: w.days.From, To: min(w.days.To, d-1)})
	}
	older = union(older)
	p.todo = subtract(p.todo, older)
	for i := range p.again {
		p.again[i].days.From = max(p.again[i].days.From, d)
	}
	p.again = slices.DeleteFunc(p.again, func(w window) bool { return w.days.Len() == 0 })
	return older
}

// windowsLeft estimates the number of remaining windows.
func (p *plan) windowsLeft() int {
	n, length := 0, p.wanted()
	for _, r := range p.todo {
		n += (r.Len() + length - 1) / length
	}
	if p.bounded {
		n = min(n, p.windows)
	}
	return n + len(p.again)
}

// learn records the number of events in a successful window. A higher density counts at once, a lower one step by
// step: too long a window costs more than too short a one.
func (p *plan) learn(days int, events int64) {
	seen := max(1, float64(events)/float64(days))
	p.density = max(seen, (p.density+seen)/2)
	p.grow(days)
}

func (p *plan) grow(days int) { p.reach = max(p.reach, min(p.most, growth*days)) }

// retry returns the days of a failed window to the plan. If smaller is true and there are at least two days, it splits
// them in half. Other windows are no longer than the halves until one succeeds.
func (p *plan) retry(w window, smaller bool, refusal string, after time.Time) {
	if smaller && w.days.Len() > 1 {
		first, second := w.days.Halves()
		p.reach = min(p.reach, first.Len())
		p.again = append(p.again, window{days: first, after: after, repeat: true}, window{days: second, after: after, repeat: true})
		return
	}
	p.again = append(p.again, window{days: w.days, tries: w.tries + 1, after: after, repeat: true, refusal: refusal})
}

// confirm returns the days of an empty response to the plan, because a lost response can look the same. While the
// density is unknown, they become part of a longer window, so this costs no request.
func (p *plan) confirm(w window) {
	if p.density == 0 && p.reach < p.most && p.adjoins(w.days) {
		p.grow(w.days.Len())
		p.todo = union(append(p.todo, w.days))
		p.emptied = union(append(p.emptied, w.days))
		p.windows++
		return
	}
	w.empty = true
	p.again = append(p.again, w)
}

// adjoins reports whether a day directly before or after r is not planned yet.
func (p *plan) adjoins(r day.Range) bool {
	return slices.ContainsFunc(p.todo, func(t day.Range) bool { return t.Contains(r.From-1) || t.Contains(r.To+1) })
}

// without returns the days of a failed window to the plan, except for the lost ones.
func (p *plan) without(w window, lost []day.Day) {
	for _, r := range subtract([]day.Range{w.days}, ranges(lost)) {
		p.again = append(p.again, window{days: r})
	}
}

// density returns the average number of events per stored day, 0 if no day is stored.
func density(days []storage.Coverage) float64 {
	rows, stored := int64(0), len(days)-unavailable(days)
	for _, c := range days {
		rows += c.Rows
	}
	if stored == 0 {
		return 0
	}
	return max(1, float64(rows)/float64(stored))
}

func unavailable(days []storage.Coverage) (n int) {
	for _, c := range days {
		if c.State == storage.Unavailable {
			n++
		}
	}
	return n
}
