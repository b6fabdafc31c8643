package jobs

import (
	"slices"
	"strings"

	"mixduck/internal/day"
)

// Covers reports whether a fetch of g right after f could only bring what Mixpanel has changed in between. Then f asks
// for the same events of the same project in the same table, and for at least the days of g. A fetch that replaces
// days covers one that only adds missing rows. One that replaces or creates a table covers only the same kind of fetch
// for the same days. f does not cover g if only g is forced or may adopt tables, if g promotes properties other than
// those of f, or if only f waits for spare requests. A fetch of only some of its days covers only a fetch of no more
// of them.
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

// chooses reports whether f, of the days it shares with g, fetches all that g does.
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
	if f.Days == (day.Range{}) || g.Days == (day.Range{}) { // all stored days, determined when it runs
		return f.Days == (day.Range{})
	}
	return f.Days.Contains(g.Days.From) && f.Days.Contains(g.Days.To)
}

// Undoes reports whether a fetch of f can remove what a fetch of g has stored.
func (f Fetch) Undoes(g Fetch) bool {
	return strings.EqualFold(f.Table, g.Table) && (!f.alike(g) || f.Mode == ModeReplace || f.Mode == ModeCreate)
}

// alike reports whether f and g ask for the same events in the same table, for any days.
func (f Fetch) alike(g Fetch) bool {
	return f.Project == g.Project && f.Database == g.Database && strings.EqualFold(f.Table, g.Table) && f.Where == g.Where &&
		f.StreamName() == g.StreamName() && slices.Equal(distinct(f.Events), distinct(g.Events))
}

// distinct returns names sorted and without duplicates.
func distinct(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
