// Package day provides calendar dates and inclusive ranges of them. It has no clock and no time zone: callers pass the
// zone of a time.
package day

import (
	"fmt"
	"time"
)

// Day is a calendar date, counted in days since 1970-01-01. Days compare and subtract as integers.
type Day int32

const layout = "2006-01-02"

// Earliest is the first day that can be fetched: Mixpanel was founded in 2009. An earlier day is a typo in the year,
// or means "from the beginning".
const Earliest Day = 14245 // 2009-01-01

// CheckEarliest returns an error if d is before [Earliest].
func (d Day) CheckEarliest() error {
	if d < Earliest {
		return fmt.Errorf("%s is before %s, the earliest day to fetch", d, Earliest)
	}
	return nil
}

// New returns the date of year y, month m and day d, normalized like [time.Date].
func New(y int, m time.Month, d int) Day {
	return Of(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
}

// Of returns the date of t in its location.
func Of(t time.Time) Day {
	y, m, d := t.Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// Parse parses yyyy-mm-dd.
func Parse(s string) (Day, error) {
	t, err := time.Parse(layout, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a date (yyyy-mm-dd)", s)
	}
	return Of(t), nil
}

// String returns yyyy-mm-dd.
func (d Day) String() string { return d.Start(time.UTC).Format(layout) }

// Start returns the first moment of d in loc. If the zone skips midnight, that is the time after the jump.
func (d Day) Start(loc *time.Location) time.Time {
	y, m, dd := time.Unix(int64(d)*86400, 0).UTC().Date()
	t := time.Date(y, m, dd, 0, 0, 0, 0, loc)
	if Of(t) < d { // midnight does not exist, and time.Date returned a time before the jump
		_, t = t.ZoneBounds()
	}
	return t
}

// MarshalText returns yyyy-mm-dd, so JSON and logs show a date.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText parses yyyy-mm-dd.
func (d *Day) UnmarshalText(b []byte) error {
	v, err := Parse(string(b))
	if err == nil {
		*d = v
	}
	return err
}
