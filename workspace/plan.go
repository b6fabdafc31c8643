package workspace

import (
	"slices"
	"time"

	"mixduck/internal/day"
	"mixduck/storage"
)

const (
	maxWindowDays   = 30 // unless Config.WindowDays says otherwise
	eventsPerWindow = 500_000

	// growth is how many times longer a window may be than the longest one that has succeeded. With 6 the lengths are 1, 6
	// and 30 days, so a sparse year takes 14 requests, and no guess reaches further than one step beyond what was seen.
	growth = 6
)

// window is days that are asked for together.
type window struct {
	days    day.Range
	tries   int       // that failed
	after   time.Time // not to be asked before
	empty   bool      // all of the days came in an empty answer before: a second one is believed
	repeat  bool      // days of it were asked for before, and that failed
	refusal string    // with which Mixpanel refused each try so far, "" if they differ or there was none
}

// plan hands out the days of a fetch as windows, each day once; those that failed come back smaller.
//
// Windows are as long as brings about eventsPerWindow events, and never shorter than the hourly budget allows: a year of
// a sparse project must not take a request a day, nor a week of a dense one a single huge response. Until enough is known
// they grow in steps (see growth). Where the number of windows is bounded, so that the rest is left to other jobs, only
// the first counts.
type plan struct {
	todo    []day.Range // ascending, not yet handed out
	again   []window    // that failed
	density float64     // events a day, as far as is known; 0 before
	most    int         // days of any window
	reach   int         // days of the longest window that may be handed out from todo
	perHour int         // windows that the budget allows; 0 where nobody counts
	handed  int         // windows handed out
	emptied []day.Range // of todo, days that came in an empty answer before
	patient bool        // after a failure wait, and then ask for other days: nothing has succeeded yet

	newest  bool // the newest days go first, else the oldest
	bounded bool // only so many more windows of todo are handed out
	windows int
}

// newPlan plans the days of todo, which are in ascending order. density is 0 where nothing is known; no window has
// more than most days.
func newPlan(todo []day.Range, density float64, perHour, most int) *plan {
	p := &plan{todo: todo, density: density, perHour: perHour, most: most, reach: most}
	if density == 0 {
		p.reach = 1
	}
	return p
}

// next hands out a window, or says from when on there will be one; the zero time means that none is left. Windows that
// failed go first once their time has come, unless the plan is patient: then other days tell more.
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

// cut takes up to n days off one end of todo.
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

// length returns how many days the next window should have.
func (p *plan) length() int { return min(p.wanted(), p.reach) }

// learning reports whether windows are still shorter than they should be: then one at a time is asked, as the next can be
// longer.
func (p *plan) learning() bool { return min(p.wanted(), countDays(p.todo)) > p.reach }

// wanted returns how many days a window should have by what is known of the density, or the budget requires it to have.
func (p *plan) wanted() int {
	shortest := 1
	if p.perHour > 0 && !p.bounded {
		windows := p.perHour - p.handed%p.perHour // that are left of this hour, or of the next
		shortest = (countDays(p.todo) + windows - 1) / windows
	}
	return min(max(p.longest(), shortest), p.most)
}

// longest returns how many days bring about eventsPerWindow events, as far as is known.
func (p *plan) longest() int {
	if p.density == 0 {
		return p.most
	}
	return max(1, int(min(float64(p.most), eventsPerWindow/p.density)))
}

// rest returns all days that have not been handed out, or have come back, and empties the plan; days that are left to other
// jobs are none of it, and stay.
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

// before takes the days before d out of what has not been handed out, or has come back, and returns them.
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

// windowsLeft estimates how many windows are still to be handed out.
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

// learn notes the events of a window that has succeeded. A table that turns dense is believed at once, one that turns
// sparse step by step: too long a window costs more than too short a one.
func (p *plan) learn(days int, events int64) {
	seen := max(1, float64(events)/float64(days))
	p.density = max(seen, (p.density+seen)/2)
	p.grow(days)
}

func (p *plan) grow(days int) { p.reach = max(p.reach, min(p.most, growth*days)) }

// retry gives the days of a failed window back: in halves if that may help and there are two, else as they are. Other
// windows are no longer than the halves until one succeeds.
func (p *plan) retry(w window, smaller bool, refusal string, after time.Time) {
	if smaller && w.days.Len() > 1 {
		first, second := w.days.Halves()
		p.reach = min(p.reach, first.Len())
		p.again = append(p.again, window{days: first, after: after, repeat: true}, window{days: second, after: after, repeat: true})
		return
	}
	p.again = append(p.again, window{days: w.days, tries: w.tries + 1, after: after, repeat: true, refusal: refusal})
}

// confirm asks the days of an empty answer once more: an answer that got lost on its way can look the same. While the
// density is not known they are asked as part of a longer window, so that this costs no request.
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

// adjoins reports whether a day right before or after r is still to be handed out.
func (p *plan) adjoins(r day.Range) bool {
	return slices.ContainsFunc(p.todo, func(t day.Range) bool { return t.Contains(r.From-1) || t.Contains(r.To+1) })
}

// without gives back the days of a failed window but for those that are given up.
func (p *plan) without(w window, lost []day.Day) {
	for _, r := range subtract([]day.Range{w.days}, ranges(lost)) {
		p.again = append(p.again, window{days: r})
	}
}

// density returns the events of an average day that is stored, 0 if there is none.
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
