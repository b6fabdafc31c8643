package storage

import (
	"time"

	"mixduck/internal/day"
	"mixduck/internal/eventline"
)

// TimeSample checks with a few events whether a project's times are read in the right zone. It stores nothing.
type TimeSample struct {
	zone    *time.Location
	from    time.Time
	offsets *zoneOffsets
	seen    evidence
}

// NewTimeSample returns an empty sample for events of days. For zone see [Window.Zone].
func NewTimeSample(zone *time.Location, days day.Range) *TimeSample {
	return &TimeSample{zone: zone, from: days.From.Start(time.UTC), offsets: offsetsOfDays(zone, days)}
}

// Add counts an event. Its time must be as Mixpanel sent it.
func (s *TimeSample) Add(e *eventline.Event) {
	s.seen.add(s.offsets.utcMicros(e.TimeMicros), e.ProcessedMS)
}

// Warning says what is wrong with the times, "" if nothing is. It returns false if that is unknown.
func (s *TimeSample) Warning() (text string, known bool) { return s.seen.warning(s.zone, s.from) }
