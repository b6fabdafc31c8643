package mixpaneltest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// tally counts events and the people who had them.
type tally struct {
	events int
	people map[string]bool
}

func (t *tally) add(r Row) {
	if t.people == nil {
		t.people = make(map[string]bool)
	}
	t.events++
	t.people[r.DistinctID] = true
}

// amount returns the result of an analysis: general, unique or average. A nil tally has counted nothing.
func (t *tally) amount(kind string) float64 {
	switch {
	case t == nil || t.events == 0:
		return 0
	case kind == "unique":
		return float64(len(t.people))
	case kind == "average":
		return float64(t.events) / float64(len(t.people))
	}
	return float64(t.events)
}

// tallies counts events by a text.
type tallies map[string]*tally

func (t tallies) add(key string, r Row) {
	if t[key] == nil {
		t[key] = &tally{}
	}
	t[key].add(r)
}

// top returns at most n texts, those with the largest amounts, largest first.
func (t tallies) top(kind string, n int) []string {
	keys := slices.SortedFunc(maps.Keys(t), func(a, b string) int {
		return cmp.Or(cmp.Compare(t[b].amount(kind), t[a].amount(kind)), strings.Compare(a, b))
	})
	return append([]string{}, keys[:min(n, len(keys))]...) // [] for none, not null
}
