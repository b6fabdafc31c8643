package jobs

import (
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/name"
)

// Verify is a query that compares a table of events with Mixpanel's counts. Its rows are the differences. Fields are
// only ever added.
type Verify struct {
	Project string    `json:"project"` // name in the configuration, or Mixpanel project ID
	Table   string    `json:"table"`
	Days    day.Range `json:"days"` // in the project's zone, both ends included; zero means the stored days among the last 30
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

// Verified summarizes a comparison. Its rows are stored as a result.
type Verified struct {
	Days        day.Range   `json:"days"`             // compared
	Events      int         `json:"events"`           // number of compared names
	Differences int         `json:"differences"`      // the stored rows can be fewer: the query has a limit
	Repair      []day.Range `json:"repair,omitempty"` // differing days that a fetch can repair
	Only        []string    `json:"only,omitempty"`   // event names that the table is limited to; empty means all
	Requests    int         `json:"requests"`         // sent to Mixpanel
	Warnings    string      `json:"warnings,omitempty"`
}
