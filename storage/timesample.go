package storage

import (
	"time"

	"mixduck/internal/day"
	"mixduck/internal/eventline"
)

// TimeSample judges by some events whether the times of a project are read in the right zone. It stores nothing.
type TimeSample struct {
	zone    *time.Location
	from    time.Time
	offsets *zoneOffsets
	seen    evidence
}

// NewTimeSample returns a sample of events of days. zone is that of [Window.Zone].
func NewTimeSample(zone *time.Location, days day.Range) *TimeSample {
	return &TimeSample{zone: zone, from: days.From.Start(time.UTC), offsets: offsetsOfDays(zone, days)}
}

// Add counts an event with its time as Mixpanel sent it.
func (s *TimeSample) Add(e *eventline.Event) {
	s.seen.add(s.offsets.utcMicros(e.TimeMicros), e.ProcessedMS)
}

// Warning says what is wrong with the times, "" if nothing is. It returns false if the events do not tell.
func (s *TimeSample) Warning() (text string, known bool) { return s.seen.warning(s.zone, s.from) }
