package workspace

import (
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/storage"
)

// Due limits a fetch to the days that are due when it starts: days that were never stored, days stored before they
// ended, and the days of the lookback. Days marked as unavailable are never due. The newest days are fetched first.
type Due struct {
	Lookback   int // days before today that are fetched again even if they are complete
	MaxWindows int // maximum number of windows over all attempts of the job; 0 means no limit
}

func (d *Due) check(m Mode) error {
	switch {
	case d.Lookback < 0 || d.MaxWindows < 0:
		return fault.Usage("use 0 for none (lookback) or no limit (windows)", "lookback and number of windows must not be negative")
	case m == Replace || m == Create:
		return fault.Usage("use sync or append", "replace and create do not work with due days: a new table has no due days")
	}
	return nil
}

// days returns the requested days that are due.
func (d *Due) days(asked day.Range, stored []storage.Coverage, today day.Day) []day.Range {
	var not []day.Range
	for _, c := range stored {
		young := c.Day >= today-day.Day(d.Lookback)
		if c.Reason != "" || c.State == storage.Complete && !young {
			not = append(not, day.Range{From: c.Day, To: c.Day})
		}
	}
	return subtract([]day.Range{asked}, not)
}
