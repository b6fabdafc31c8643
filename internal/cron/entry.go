package cron

import (
	"time"

	robfig "github.com/robfig/cron/v3"
)

// entry is an entry with fields. It is matched against the wall clock, counted in seconds as if it were UTC. So the
// library, which handles clock changes differently, never sees one.
type entry struct{ spec *robfig.SpecSchedule }

const (
	allHours = 1<<24 - 1

	// The library looks five years ahead, but leap days can be eight years apart.
	horizonYears = 5
	horizons     = 3
)

// next returns the first matching wall-clock time after the given one, false if there is none.
func (e entry) next(wall int64) (int64, bool) {
	after := unix(wall)
	for range horizons {
		if at := e.spec.Next(after); !at.IsZero() {
			return at.Unix(), true
		}
		after = time.Date(after.Year()+horizonYears, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Second)
	}
	return 0, false
}

// certainHours reports whether the entry names some hours, but not all.
func (e entry) certainHours() bool { return e.spec.Hour&allHours != allHours }
