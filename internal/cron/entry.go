package cron

import (
	"time"

	robfig "github.com/robfig/cron/v3"
)

// entry is one with fields. It is matched against the wall clock, which is counted in seconds as if it were in UTC: so the
// library, which skips what a change of the clock skips and repeats what it repeats, never meets one.
type entry struct{ spec *robfig.SpecSchedule }

const (
	allHours = 1<<24 - 1

	// The library looks five years ahead; between two leap days may lie eight.
	horizonYears = 5
	horizons     = 3
)

// next returns the first time of the wall clock after the given one that matches, false if none ever does.
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

// certainHours reports whether the entry names some hours, and not all of them.
func (e entry) certainHours() bool { return e.spec.Hour&allHours != allHours }
