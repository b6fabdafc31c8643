package jobs

import (
	"reflect"

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

// sameStream reports whether f and g ask for the same rows of the same stream.
func (f Fetch) sameStream(g Fetch) bool {
	return f.StreamName() == g.StreamName() && f.History == g.History && f.Mode == g.Mode && f.Days == g.Days &&
		f.Since.Equal(g.Since) && f.FullEvery == g.FullEvery && reflect.DeepEqual(f.Profiles, g.Profiles)
}
