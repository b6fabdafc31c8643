// Package stream defines what can be copied from a Mixpanel project, and what a request for each stream can contain.
package stream

import (
	"slices"
	"strings"

	"mixduck/internal/fault"
)

// The streams. All is all others, as far as the plan of the project allows.
const (
	Events        = "events"
	Profiles      = "profiles"
	Cohorts       = "cohorts"
	CohortMembers = "cohort-members"
	Annotations   = "annotations"
	Funnels       = "funnels"
	Lexicon       = "lexicon"
	Reports       = "reports"
	All           = "all"
)

// The modes of a fetch, as jobs and schedules name them.
const (
	sync        = "sync"
	add         = "append"
	full        = "full"
	incremental = "incremental"
)

// Info describes what a request for a stream can contain.
type Info struct {
	Name   string
	Table  string   // the default
	Second string   // suffix of the name of a second table, "" for none
	Short  string   // what it holds, for help
	Modes  []string // of schedules; the first is the default
	Days   bool     // it can be limited to a range of days
	Some   bool     // it can be filtered, fetched since a time, and stored with its history, like profiles
	ByID   bool     // it can be limited to some ids, like reports

	Optional bool // Mixpanel does not document its endpoint: [All] continues without it
}

// Mode returns the default mode of schedules.
func (i Info) Mode() string {
	if len(i.Modes) == 0 {
		return ""
	}
	return i.Modes[0]
}

// Tables returns the tables that a request can fill whose table has this name, which is the first of them. Those of [All]
// after the first may not exist, because the plan of the project can lack a stream.
func (i Info) Tables(name string) []string {
	tables := []string{name}
	if i.Second != "" {
		tables = append(tables, name+i.Second)
	}
	if i.Name == All {
		for _, part := range Keyed() {
			tables = append(tables, part.Tables(part.Table)...)
		}
	}
	return tables
}

// Dated reports whether schedules of the stream fetch due days.
func (i Info) Dated() bool { return i.Name == Events || i.Name == All }

// List returns all streams but [All], in the order in which [All] fetches them.
func List() []Info {
	events := Info{Name: Events, Table: "events", Short: "events of a date range", Modes: []string{sync, add}, Days: true}
	return append([]Info{events}, Keyed()...)
}

// Keyed returns the streams whose tables have a key and no days: all but [Events].
func Keyed() []Info {
	whole := []string{full}
	return []Info{
		{Name: Profiles, Table: "profiles", Short: "user profiles, or the profiles of a group key", Modes: []string{full, incremental}, Some: true},
		{Name: Cohorts, Table: "cohorts", Short: "the list of cohorts", Modes: whole},
		{Name: CohortMembers, Table: "cohort_members", Short: "the members of all cohorts, and when they joined and left", Modes: whole},
		{Name: Annotations, Table: "annotations", Short: "annotations", Modes: whole},
		{Name: Funnels, Table: "funnels", Second: "_daily", Short: "daily steps of all saved funnels", Modes: whole, Days: true},
		{Name: Lexicon, Table: "lexicon", Second: "_properties", Short: "events and properties of Lexicon", Modes: whole},
		{Name: Reports, Table: "reports", Second: "_values", Short: "saved reports, and the results of those of Insights", Modes: whole, ByID: true, Optional: true},
	}
}

// Everything describes [All]. Its table is that of events.
func Everything() Info {
	return Info{Name: All, Table: "events", Short: "all streams that the plan of the project allows", Modes: []string{full}, Days: true}
}

// Names returns the names of all streams, including [All].
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
		return Everything(), nil
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
