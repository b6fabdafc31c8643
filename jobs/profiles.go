package jobs

import (
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/stream"
)

// Profiles makes a query ask Mixpanel for profiles instead of reading the database, which is not opened. Its rows are lines of
// JSON. Fields are only ever added.
type Profiles struct {
	Project string        `json:"project"` // a name of the configuration, or a Mixpanel project id
	Filter  stream.Filter `json:"filter,omitzero"`
	Since   time.Time     `json:"since,omitzero"` // only profiles that changed since; zero means all
	Raw     bool          `json:"raw,omitempty"`  // as Mixpanel sent them
}

func (p *Profiles) validate(format Format) error {
	if p.Project == "" {
		return fault.Usage("name a project", "there is no project to ask")
	}
	if format != FormatJSONL {
		return fault.Usage("jsonl", "profiles are lines of JSON, not %s", format)
	}
	return nil
}
