package jobs

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/name"
	"mixduck/internal/promotion"
	"mixduck/internal/stream"
)

const (
	maxWhereBytes   = 16 << 10
	maxProjectBytes = 256
)

// Validate checks f. Errors have [fault.CodeUsage] and a hint. Clients call it before they enqueue, and workers again.
func (f Fetch) Validate() error {
	if f.Project == "" || len(f.Project) > maxProjectBytes || !utf8.ValidString(f.Project) {
		return fault.Usage("name a project of the configuration, or give a Mixpanel project id", "project %q is no project", f.Project)
	}
	if err := name.Target(f.Database); err != nil {
		return err
	}
	if err := name.Table(f.Table); err != nil {
		return err
	}
	info, err := stream.Find(f.Stream)
	if err != nil {
		return err
	}
	if err := cmp.Or(f.validateTexts(), f.validateVerify(), f.validateReportIDs(info)); err != nil {
		return err
	}
	switch info.Name {
	case stream.Events:
		return f.validateEvents()
	case stream.All:
		return f.validateAll()
	}
	return f.validateStream(info)
}

// validateEvents checks a request for events.
func (f Fetch) validateEvents() error {
	if f.Profiles != nil || !f.Since.IsZero() || f.FullEvery != 0 || f.History {
		return fault.Usage("leave it out", "a filter of profiles, a time since when and a history are for profiles, not for events")
	}
	if f.Days == (day.Range{}) && f.LateSince.IsZero() {
		return fault.Usage("say from which day to which, both included", "no days to fetch")
	}
	if f.Days.From < day.Earliest && f.Days != (day.Range{}) {
		return tooEarly(f.Days.From)
	}
	if f.Days.Len() == 0 {
		return fault.Usage("swap the two dates", "the last day, %s, lies before the first, %s", f.Days.To, f.Days.From)
	}
	if slices.Contains(f.Events, "") {
		return fault.Usage("leave the events out to fetch all of them", "an event name is empty")
	}
	switch f.Mode {
	case ModeSync, ModeAppend, ModeReplace, ModeCreate:
		return f.validateChoice()
	case ModeFull, ModeIncremental:
	}
	return fault.Usage("sync, append, replace or create", "unknown fetch mode %q", f.Mode)
}

// tooEarly is the error for a first day before Mixpanel existed.
func tooEarly(d day.Day) error {
	return fault.Usage("start at "+day.Earliest.String()+" or later", "%w", d.CheckEarliest())
}

// validateTexts checks the texts that are passed to Mixpanel and DuckDB.
func (f Fetch) validateTexts() error {
	if len(f.Where) > maxWhereBytes || !utf8.ValidString(f.Where) {
		return fault.Usage("", "the where expression has %d bytes; at most %d of valid UTF-8 are allowed", len(f.Where), maxWhereBytes)
	}
	_, err := promotion.Parse(f.Promote)
	return err
}

// validateChoice checks the fields that limit the fetch to some of its days.
func (f Fetch) validateChoice() error {
	some := f.Due != nil || !f.LateSince.IsZero()
	switch {
	case some && (f.Mode == ModeReplace || f.Mode == ModeCreate):
		return fault.Usage("use sync or append", "a new table needs all of the days, not those that are due or late")
	case f.Due != nil && !f.LateSince.IsZero():
		return fault.Usage("make two jobs", "days are fetched because they are due or because of late events, not both")
	case f.Due != nil && (f.Due.Lookback < 0 || f.Due.MaxWindows < 0):
		return fault.Usage("use 0 for none (lookback) or no limit (windows)", "lookback and number of windows must not be negative")
	}
	return nil
}
