package jobs

import (
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/name"
)

// Publish is the payload of [KindPublish]: copying a table's stored days into the lake. It has a lane per table, so it
// never waits for fetches, nor they for it. Fields are only ever added.
type Publish struct {
	Database string    `json:"database"` // volume/relative path; always with the volume
	Table    string    `json:"table"`
	Days     day.Range `json:"days"`            // both ends included; zero for all stored days
	Force    bool      `json:"force,omitempty"` // publish days again that are published as they are stored
}

// Validate checks p. Errors have [fault.CodeUsage] and a hint.
func (p Publish) Validate() error {
	if err := name.Target(p.Database); err != nil {
		return err
	}
	if err := name.Table(p.Table); err != nil {
		return err
	}
	if p.Days.Len() == 0 {
		return fault.Usage("swap the two dates", "the last day, %s, lies before the first, %s", p.Days.To, p.Days.From)
	}
	return nil
}

// DescribeDays returns a short description of the requested days.
func (p Publish) DescribeDays() string {
	if p.Days == (day.Range{}) {
		return "all days"
	}
	return p.Days.String()
}

// lakeLane is the prefix of lanes of jobs that publish. No database name starts with it.
const lakeLane = "lake:"
