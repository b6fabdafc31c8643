// Package stream names what can be copied from a Mixpanel project, and says what a request for each may contain.
package stream

import (
	"slices"
	"strings"

	"mixduck/internal/fault"
)

// The streams. All is every other one, as far as the plan of the project allows.
const (
	Events        = "events"
	Profiles      = "profiles"
	Cohorts       = "cohorts"
	CohortMembers = "cohort-members"
	Annotations   = "annotations"
	Funnels       = "funnels"
	Lexicon       = "lexicon"
	All           = "all"
)

// Info says what a request for a stream may contain.
type Info struct {
	Name  string
	Table string // the default
	Short string // what it holds, for help
	Days  bool   // it can be limited to a range of days
	Some  bool   // it can be filtered, fetched since a time, and kept with its history, as profiles can
}

// List returns all streams but [All], in the order in which [All] fetches them.
func List() []Info {
	return []Info{
		{Name: Events, Table: "events", Short: "events of a date range", Days: true},
		{Name: Profiles, Table: "profiles", Short: "user profiles, or the profiles of a group key", Some: true},
		{Name: Cohorts, Table: "cohorts", Short: "the list of cohorts"},
		{Name: CohortMembers, Table: "cohort_members", Short: "the members of all cohorts, and when they joined and left"},
		{Name: Annotations, Table: "annotations", Short: "annotations"},
		{Name: Funnels, Table: "funnels", Short: "daily steps of all saved funnels", Days: true},
		{Name: Lexicon, Table: "lexicon", Short: "events and properties of Lexicon"},
	}
}

// Names returns the names of all streams, [All] included.
func Names() []string {
	var names []string
	for _, i := range List() {
		names = append(names, i.Name)
	}
	return append(names, All)
}

// Find returns a stream by its name; "" is [Events]. It returns errors with [fault.CodeUsage].
func Find(name string) (Info, error) {
	if name == "" {
		name = Events
	}
	if name == All {
		return Info{Name: All, Short: "all streams that the plan of the project allows", Days: true}, nil
	}
	all := List()
	i := slices.IndexFunc(all, func(i Info) bool { return i.Name == name })
	if i < 0 {
		return Info{}, fault.Usage("use one of "+strings.Join(Names(), ", "), "there is no stream %q", name)
	}
	return all[i], nil
}

// GroupTable returns the default table for the profiles of a group key, given its id.
func GroupTable(id string) string { return "group_" + id }
