package jobs

import (
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/name"
)

// Verify asks a query to compare a table of events with Mixpanel's counts. Its rows are the differences. Fields are only ever added.
type Verify struct {
	Project string    `json:"project"` // a name of the configuration, or a Mixpanel project id
	Table   string    `json:"table"`
	Days    day.Range `json:"days"` // in the project's zone, both ends included; zero means the stored ones of the last 30 days
}

func (v *Verify) validate() error {
	if v.Project == "" {
		return fault.Usage("name a project", "there is no project to ask")
	}
	if err := name.Table(v.Table); err != nil || v.Days == (day.Range{}) {
		return err
	}
	if v.Days.Len() == 0 {
		return fault.Usage("put the earlier date first", "the range ends before it starts: %s to %s", v.Days.From, v.Days.To)
	}
	return v.Days.From.CheckEarliest()
}

// Verified says what a comparison has found, beside its rows.
type Verified struct {
	Days        day.Range   `json:"days"`             // compared
	Events      int         `json:"events"`           // names compared
	Differences int         `json:"differences"`      // the rows can be fewer, by the query's limit
	Repair      []day.Range `json:"repair,omitempty"` // days that differ and that a fetch can help
	Only        []string    `json:"only,omitempty"`   // the event names that the table is limited to; none means all
	Requests    int         `json:"requests"`         // sent to Mixpanel
	Warnings    string      `json:"warnings,omitempty"`
}
