package workspace

import (
	"slices"
	"time"

	"mixduck/internal/day"
)

const (
	maxWindowDays   = 30
	eventsPerWindow = 500_000
	requestsPerHour = 54 // of Mixpanel's 60: the rest is left to the customer's other tools
)

// window is the days of one request.
type window struct {
	days  day.Range
	tries int       // that failed
	after time.Time // not to be asked before
	empty bool      // the last answer held no events: a second one like it is believed
}

// plan hands out the days of a fetch as windows, each day once; those that failed come back smaller.
//
// Windows are as long as brings about eventsPerWindow events, and never shorter than the hourly budget allows: a year of
// a sparse project must not take a request a day, nor a week of a dense one a single huge response. Where the number of
// windows is bounded, so that the rest is left to other jobs, only the first counts.
type plan struct {
	todo    []day.Range // ascending, not yet handed out
	again   []window    // that failed
	density float64     // events a day, as far as is known; 0 before
	handed  int         // windows handed out

	newest  bool // the newest days go first, else the oldest
	bounded bool // no more than most windows of todo are handed out
	most    int
}

// newPlan plans the days of asked that are not in done. density is 0 where nothing is known.
func newPlan(asked day.Range, done []day.Range, density float64) *plan {
	return &plan{todo: subtract([]day.Range{asked}, done), density: density}
}

// next hands out a window, or says from when on there will be one; the zero time means that none is left. Windows that
// failed go first once their time has come.
func (p *plan) next(now time.Time) (w window, at time.Time) {
	for i, again := range p.again {
		if !again.after.After(now) {
			p.again = slices.Delete(p.again, i, i+1)
			p.handed++
			return again, now
		}
		if at.IsZero() || again.after.Before(at) {
			at = again.after
		}
	}
	if len(p.todo) == 0 || p.bounded && p.most == 0 {
		return window{}, at
	}
	days := p.cut(day.Day(p.length()))
	p.most--
	p.handed++
	return window{days: days}, now
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
func (p *plan) length() int {
	requests := requestsPerHour - p.handed%requestsPerHour // that are left of this hour, or of the next
	shortest := (countDays(p.todo) + requests - 1) / requests
	if p.bounded {
		shortest = 1
	}
	wanted := 1 // nothing known: a short one will tell
	if p.density > 0 {
		wanted = p.longest()
	}
	return min(max(wanted, shortest, 1), maxWindowDays)
}

// longest returns how many days bring about eventsPerWindow events, as far as is known.
func (p *plan) longest() int {
	if p.density == 0 {
		return maxWindowDays
	}
	return max(1, int(min(maxWindowDays, eventsPerWindow/p.density)))
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
	n, length := 0, p.length()
	for _, r := range p.todo {
		n += (r.Len() + length - 1) / length
	}
	if p.bounded {
		n = min(n, p.most)
	}
	return n + len(p.again)
}

// learn corrects the density by a window of the given number of events. The newest windows count most: projects grow.
func (p *plan) learn(days int, events int64) {
	seen := max(1, float64(events)/float64(days))
	if p.density > 0 {
		seen = (p.density + seen) / 2
	}
	p.density = seen
}

// retry gives the days of a failed window back: in halves if that may help and there are two, else as they are.
func (p *plan) retry(w window, smaller bool, after time.Time) {
	if smaller && w.days.Len() > 1 {
		first, second := w.days.Halves()
		p.again = append(p.again, window{days: first, after: after}, window{days: second, after: after})
		return
	}
	p.again = append(p.again, window{days: w.days, tries: w.tries + 1, after: after})
}

// confirm asks a window whose answer was empty once more: an answer that got lost on its way can look the same.
func (p *plan) confirm(w window) {
	w.empty = true
	p.again = append(p.again, w)
}

// without gives back the days of a failed window but for those that are given up.
func (p *plan) without(w window, lost []day.Day) {
	for _, r := range subtract([]day.Range{w.days}, ranges(lost)) {
		p.again = append(p.again, window{days: r})
	}
}
