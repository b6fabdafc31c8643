package jobs

import (
	"context"
	"errors"
	"slices"
	"strings"

	"mixduck/internal/day"
)

// errLaneMoved says that a lane is not as it was when its caller looked.
var errLaneMoved = errors.New("the lane has moved")

// joinTries is how often a request looks for a job to join while others move its lane; after that it takes its chances.
const joinTries = 5

// join returns the record of a job that covers what rec asks for, or makes rec a job. Looking and entering are two steps,
// as records and lanes live in different slots; but rec enters only a lane in which nobody has joined the line meanwhile.
func (q *Queue) join(ctx context.Context, rec Record) (Record, error) {
	for try := 1; ; try++ {
		seen, err := q.lanes.line(ctx, rec.lane())
		if err != nil {
			return Record{}, err
		}
		found, err := q.covering(ctx, rec, seen)
		if err != nil {
			return Record{}, err
		}
		if found != "" {
			r, err := q.joined(ctx, rec, found)
			if err != nil || !r.State.Final() {
				return r, err
			}
			continue // it has ended in this moment
		}
		how := rule{unchanged: &seen}
		if try >= joinTries {
			how = rule{}
		}
		r, err := q.add(ctx, rec, how)
		if !errors.Is(err, errLaneMoved) {
			return r, err
		}
	}
}

// joined returns the job that was found in rec's place.
func (q *Queue) joined(ctx context.Context, rec Record, found string) (Record, error) {
	r, err := q.Job(ctx, found)
	if err != nil || r.ID == rec.ID || r.State.Final() { // the second: it got in, and the answer was lost
		return r, err
	}
	r.Joined = true
	return r, q.records.forget(ctx, rec.ID, rec.Project, rec.Database) // of an earlier try, if there was one
}

// covering returns the id of the last job in the line that covers what rec asks for and after which no other undoes it,
// or "". A job that is aside may come before or after any other, so that one that would undo it rules out all.
func (q *Queue) covering(ctx context.Context, rec Record, l line) (string, error) {
	aside, err := q.records.loadAll(ctx, l.aside)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(aside, func(e *entry) bool { return e != nil && (e.Kind != KindFetch || e.Fetch.undoes(rec.Fetch)) }) {
		return "", nil
	}
	order := slices.Concat(l.aside, []string{l.holder}, l.waiting)
	slices.Reverse(order)
	for page := range slices.Chunk(order, listPage) {
		entries, err := q.records.loadAll(ctx, page)
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			switch {
			case e == nil || e.State.Final() || e.cancelled:
			case e.Kind != KindFetch:
				return "", nil // who knows what it does to the rows
			case e.ID == rec.ID || e.Fetch.Covers(rec.Fetch):
				return e.ID, nil
			case e.Fetch.undoes(rec.Fetch):
				return "", nil
			}
		}
	}
	return "", nil
}

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

// undoes reports whether a fetch of f may take away what one of g has stored.
func (f Fetch) undoes(g Fetch) bool {
	return strings.EqualFold(f.Table, g.Table) && (!f.alike(g) || f.Mode == ModeReplace || f.Mode == ModeCreate)
}

// alike reports whether f and g ask for the same events in the same table, of whatever days.
func (f Fetch) alike(g Fetch) bool {
	return f.Project == g.Project && f.Database == g.Database && strings.EqualFold(f.Table, g.Table) && f.Where == g.Where &&
		slices.Equal(distinct(f.Events), distinct(g.Events))
}

// distinct returns names sorted, each once.
func distinct(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
