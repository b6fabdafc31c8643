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
// a sparse project must not take a request a day, nor a week of a dense one a single huge response.
type plan struct {
	todo    []day.Range // ascending, not yet handed out
	again   []window    // that failed
	density float64     // events a day, as far as is known; 0 before
	handed  int         // windows handed out
}

// newPlan plans the days of asked that are not in done. density is 0 where nothing is known.
func newPlan(asked day.Range, done []day.Range, density float64) *plan {
	p := &plan{density: density}
	start := asked.From
	slices.SortFunc(done, func(a, b day.Range) int { return int(a.From - b.From) })
	for _, r := range done {
		if r.From > start && start <= asked.To {
			p.todo = append(p.todo, day.Range{From: start, To: min(r.From-1, asked.To)})
		}
		start = max(start, r.To+1)
	}
	if start <= asked.To {
		p.todo = append(p.todo, day.Range{From: start, To: asked.To})
	}
	return p
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
	if len(p.todo) == 0 {
		return window{}, at
	}
	first := &p.todo[0]
	days := day.Range{From: first.From, To: min(first.To, first.From+day.Day(p.length())-1)}
	first.From = days.To + 1
	if first.Len() == 0 {
		p.todo = p.todo[1:]
	}
	p.handed++
	return window{days: days}, now
}

// length returns how many days the next window should have.
func (p *plan) length() int {
	requests := requestsPerHour - p.handed%requestsPerHour // that are left of this hour, or of the next
	shortest := (p.daysLeft() + requests - 1) / requests
	wanted := 1 // nothing known: a short one will tell
	if p.density > 0 {
		wanted = int(min(maxWindowDays, eventsPerWindow/p.density))
	}
	return min(max(wanted, shortest, 1), maxWindowDays)
}

// rest returns all days that have not been handed out, or have come back, and empties the plan.
func (p *plan) rest() []day.Range {
	left := p.todo
	for _, w := range p.again {
		left = append(left, w.days)
	}
	p.todo, p.again = nil, nil
	return left
}

func (p *plan) daysLeft() (days int) {
	for _, r := range p.todo {
		days += r.Len()
	}
	return days
}

// windowsLeft estimates how many windows are still to be handed out.
func (p *plan) windowsLeft() int {
	n, length := len(p.again), p.length()
	for _, r := range p.todo {
		n += (r.Len() + length - 1) / length
	}
	return n
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
	rest := newPlan(w.days, ranges(lost), 0)
	for _, r := range rest.todo {
		p.again = append(p.again, window{days: r})
	}
}

func ranges(days []day.Day) []day.Range {
	rs := make([]day.Range, len(days))
	for i, d := range days {
		rs[i] = day.Range{From: d, To: d}
	}
	return rs
}
