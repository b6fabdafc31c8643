package jobs

import (
	"reflect"
	"slices"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
)

// StreamName returns the stream to fetch, which may be [stream.All].
func (f Fetch) StreamName() string {
	if f.Stream == "" {
		return stream.Events
	}
	return f.Stream
}

// EventsPart returns the events of a fetch of [stream.All]. Other fetches are returned unchanged.
func (f Fetch) EventsPart() Fetch {
	if f.Stream == stream.All {
		f.Stream, f.Mode = "", ModeSync
	}
	return f
}

// validateAll checks a request for all streams. Event names, an expression and promoted properties apply to its events.
func (f Fetch) validateAll() error {
	part := f.EventsPart()
	if part.Days == (day.Range{}) { // the worker chooses them
		part.Days = day.Range{From: day.Earliest, To: day.Earliest}
	}
	if err := part.validateEvents(); err != nil {
		return err
	}
	f.Events, f.Where, f.Promote = nil, "", ""
	return f.validateStream(stream.Everything())
}

// validateStream checks a request for a stream other than events.
func (f Fetch) validateStream(info stream.Info) error {
	profiles := f.Profiles != nil || f.Where != "" || !f.Since.IsZero() || f.FullEvery != 0 || f.History
	switch {
	case len(f.Events) > 0, !f.LateSince.IsZero(), f.Spare, f.Promote != "" && !info.Some:
		return fault.Usage("leave it out", "event names, late events and promoted properties are for events, not for %s", info.Name)
	case f.Days != (day.Range{}) && !info.Days:
		return fault.Usage("leave the days out: "+info.Name+" are fetched whole", "%s cannot be limited to days", info.Name)
	case f.Days.Len() == 0:
		return fault.Usage("swap the two dates", "the last day, %s, lies before the first, %s", f.Days.To, f.Days.From)
	case profiles && !info.Some:
		return fault.Usage("leave the filter out", "only profiles can be filtered, not %s", info.Name)
	case f.Mode != ModeFull && f.Mode != ModeIncremental:
		return fault.Usage("full or incremental", "%q is no mode of a fetch of %s", f.Mode, info.Name)
	case f.Mode == ModeIncremental && !info.Some:
		return fault.Usage("full", "%s cannot be fetched in increments", info.Name)
	case f.Mode == ModeFull && (!f.Since.IsZero() || f.FullEvery != 0):
		return fault.Usage("incremental", "a time since when goes with incremental fetches only")
	case f.FullEvery < 0:
		return fault.Usage("7d", "a full refresh cannot come every %s", f.FullEvery)
	}
	return nil
}

// validateReportIDs checks the choice of reports.
func (f Fetch) validateReportIDs(info stream.Info) error {
	if len(f.ReportIDs) > 0 && !info.ByID {
		return fault.Usage("leave them out", "ids of reports are for reports, not for %s", info.Name)
	}
	return stream.CheckReportIDs(f.ReportIDs)
}

// sameStream reports whether f and g ask for the same rows of the same stream.
func (f Fetch) sameStream(g Fetch) bool {
	return f.StreamName() == g.StreamName() && f.History == g.History && f.Mode == g.Mode && f.Days == g.Days &&
		f.Since.Equal(g.Since) && f.FullEvery == g.FullEvery && reflect.DeepEqual(f.Profiles, g.Profiles) &&
		slices.Equal(stream.SortedReportIDs(f.ReportIDs), stream.SortedReportIDs(g.ReportIDs))
}
