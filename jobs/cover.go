package jobs

import (
	"slices"
	"strings"

	"mixduck/internal/day"
)

// Covers reports whether a fetch of g right after one of f would change nothing but what Mixpanel has changed meanwhile:
// it asks for the same events of the same project in the same table, and for no day more. What replaces days covers what
// only adds what is missing; what replaces or creates a table covers only its like, for the same days; what is not
// forced or may not adopt does not cover what is or may, nor what promotes no properties what does, nor what waits for spare requests what does not.
// What fetches only some of its days covers only what fetches no more of them.
func (f Fetch) Covers(g Fetch) bool {
	if !f.alike(g) || g.Force && !f.Force || g.Adopt && !f.Adopt || g.Promote != "" && g.Promote != f.Promote || f.Spare && !g.Spare || !f.chooses(g) {
		return false
	}
	switch f.Mode {
	case ModeFull, ModeIncremental:
		return f.sameStream(g)
	case ModeSync:
		return (g.Mode == ModeSync || g.Mode == ModeAppend) && f.includes(g)
	case ModeAppend:
		return g.Mode == ModeAppend && f.includes(g)
	case ModeReplace, ModeCreate:
		return g.Mode == f.Mode && g.Days == f.Days
	}
	return false
}

// chooses reports whether f fetches, of whatever days it shares with g, all that g does.
func (f Fetch) chooses(g Fetch) bool {
	switch {
	case f.Due != nil:
		return g.Due != nil && (*f.Due == *g.Due && f.Days == g.Days || f.Due.MaxWindows == 0 && f.Due.Lookback >= g.Due.Lookback)
	case !f.LateSince.IsZero():
		return !g.LateSince.IsZero() && !f.LateSince.After(g.LateSince)
	}
	return true
}

// includes reports whether the days of g lie within those of f.
func (f Fetch) includes(g Fetch) bool {
	if f.Days == (day.Range{}) || g.Days == (day.Range{}) { // all that are stored, when it runs
		return f.Days == (day.Range{})
	}
	return f.Days.Contains(g.Days.From) && f.Days.Contains(g.Days.To)
}

// Undoes reports whether a fetch of f may take away what one of g has stored.
func (f Fetch) Undoes(g Fetch) bool {
	return strings.EqualFold(f.Table, g.Table) && (!f.alike(g) || f.Mode == ModeReplace || f.Mode == ModeCreate)
}

// alike reports whether f and g ask for the same events in the same table, of whatever days.
func (f Fetch) alike(g Fetch) bool {
	return f.Project == g.Project && f.Database == g.Database && strings.EqualFold(f.Table, g.Table) && f.Where == g.Where &&
		f.StreamName() == g.StreamName() && slices.Equal(distinct(f.Events), distinct(g.Events))
}

// distinct returns names sorted, each once.
func distinct(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
