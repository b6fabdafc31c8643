package status

import (
	"slices"

	"mixduck/internal/day"
	"mixduck/jobs"
)

// Completeness says whether a table has all its days up to the last complete one. It is independent of [Verdict]: a fresh
// table can have gaps, and a complete one can be stale.
type Completeness string

// The answers about completeness.
const (
	Complete   Completeness = "complete"
	Incomplete Completeness = "incomplete"
	Unknown    Completeness = "unknown" // nothing was fetched yet, or the first fetch is running
)

// Gaps lists the days that keep a table from being complete, in ascending order. Days that Mixpanel no longer serves do not
// count, because no fetch can help.
type Gaps struct {
	Missing []day.Range // never stored, since the first day that is stored or that a schedule wants
	Partial []day.Range // last fetched before they ended, although a later day is complete
}

// All returns the missing days, then the partial ones.
func (g Gaps) All() []day.Range { return slices.Concat(g.Missing, g.Partial) }

// follow updates the counts of days from the day map if it has more complete days. The map is written after each window of a
// fetch, the counts when an attempt ends.
func follow(f *Table, days jobs.Days) {
	s := jobs.TableState{}
	first, last := -1, -1 // stored days
	for i, d := range days {
		s.Rows += d.Rows
		switch d.State {
		case jobs.DayComplete:
			s.Complete++
			s.LastComplete = &days[i].Day
		case jobs.DayPartial:
			s.Partial++
		case jobs.DayUnavailable:
			s.Unavailable++
			continue
		case jobs.DayMissing:
			continue
		}
		if last = i; first < 0 {
			first = i
		}
	}
	if first < 0 || !f.State.Dated() {
		return
	}
	f.Loading = f.State.Job == "" && f.State.ReadAt.IsZero() && f.State.LastComplete == nil
	if s.Complete <= f.State.Complete && !f.Loading {
		return
	}
	for _, d := range days[first:last] {
		if d.State == jobs.DayMissing {
			s.Missing++
		}
	}
	f.State.First, f.State.LastComplete, f.State.Rows = &days[first].Day, s.LastComplete, s.Rows
	f.State.Complete, f.State.Partial, f.State.Unavailable, f.State.Missing = s.Complete, s.Partial, s.Unavailable, s.Missing
}

// assess returns whether the table is complete, and its gaps. Without a day map it knows only how many days are missing.
func (f Table) assess(days jobs.Days) (Completeness, Gaps) {
	switch {
	case f.Loading:
		return Unknown, Gaps{}
	case !f.State.Dated() && f.State.FetchedAt.IsZero(), f.State.Dated() && f.State.LastComplete == nil && len(days) == 0:
		return Unknown, Gaps{}
	case !f.State.Dated():
		return Complete, Gaps{}
	}
	g := gaps(days, f.wanted(), f.State.LastComplete)
	if f.State.Missing+len(f.State.Failing)+len(g.Missing)+len(g.Partial) > 0 {
		return Incomplete, g
	}
	return Complete, g
}

// wanted returns the first day that a schedule wants, 0 if none says.
func (f Table) wanted() (first day.Day) {
	for _, s := range f.Schedules {
		if s.Start != 0 && !s.Disabled && (first == 0 || s.Start < first) {
			first = s.Start
		}
	}
	return first
}

// gaps returns the gaps of a table whose schedules want all days since first.
func gaps(days jobs.Days, first day.Day, lastComplete *day.Day) (g Gaps) {
	if len(days) == 0 {
		return g
	}
	if first != 0 && first < days[0].Day {
		days = slices.Insert(slices.Clone(days), 0, jobs.StoredDay{Day: first, State: jobs.DayMissing})
		days = jobs.NewDays(days)
	}
	g.Missing = days.Ranges(jobs.DayMissing)
	if lastComplete != nil {
		before, _ := slices.BinarySearchFunc(days, *lastComplete, func(d jobs.StoredDay, last day.Day) int { return int(d.Day - last) })
		g.Partial = days[:before].Ranges(jobs.DayPartial)
	}
	return g
}
