package workspace

import (
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/storage"
)

// Due says which days of a fetch are due when it begins: those that have never been stored, those that were stored before
// they were over, and young ones. Days that are marked as no longer served never are. The newest are fetched first.
type Due struct {
	Lookback   int // days before today that are fetched again, however complete they are
	MaxWindows int // the fetch ends well after so many, over all attempts of its job; 0 means no bound
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

// days returns which of the days asked are due.
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
