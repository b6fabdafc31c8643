package jobs

import (
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/name"
	"mixduck/internal/stream"
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

// The ways to verify a fetch of events.
const (
	VerifyReport = "true"   // compare the table with Mixpanel's counts after the fetch
	VerifyRepair = "repair" // also fetch days that differ again
)

// validateVerify checks whether the fetch can be verified as it asks.
func (f Fetch) validateVerify() error {
	name := f.StreamName()
	switch {
	case f.Verify == "":
		return nil
	case f.Verify != VerifyReport && f.Verify != VerifyRepair:
		return fault.Usage("use true or repair", "%q is not a way to verify", f.Verify)
	case name != stream.Events && name != stream.All:
		return fault.Usage("omit it", "only events can be verified, not %s", name)
	case f.Where != "":
		return fault.Usage("omit one of them", "events that match an expression cannot be verified, because Mixpanel does not count them by day")
	case f.Verify == VerifyRepair && f.Mode == ModeAppend:
		return fault.Usage("use mode sync, or only report differences", "in mode append, days are not replaced, so they cannot be repaired")
	}
	return nil
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

	// Of a comparison after a fetch.
	At       time.Time `json:"at,omitzero"`
	Repaired int       `json:"repaired,omitempty"` // days that were fetched again
	Problem  string    `json:"problem,omitempty"`  // why nothing was compared, or days were not fetched again
}
