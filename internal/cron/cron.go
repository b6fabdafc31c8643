// Package cron computes when cron entries fire, in a time zone and across its changes of the clock. It knows no jobs, and no
// time of its own: a caller says after which moment it asks.
//
// An entry has the five fields of crontab(5), and may have a sixth, of seconds, in front of them; or it is @hourly, @daily,
// @weekly, @monthly, @yearly, or "@every" and a duration. Where both the day of the month and the day of the week are given, a
// date matches either; a field that is * counts as not given. What fields say is read and matched by robfig/cron; zones and the
// changes of their clocks are this package's.
//
// Entries of certain hours fire once for each time of the wall clock that they name: where the clock skips it, when it has
// skipped (several such times are one tick); where the clock shows it twice, at the first. Entries of all hours, and those of
// @every, go by the time that passes: what the clock skips does not come, and what it repeats comes twice.
package cron

import (
	"time"
)

// Schedule is an entry in a time zone. It is made by [Parse]; the zero Schedule never fires.
type Schedule struct {
	text  string
	zone  *time.Location
	every int64 // seconds of @every, 0 of entries with fields
	entry entry // of the others
}

// Parse reads an entry that fires by the clock of loc, UTC if it is nil. Errors have the code [fault.CodeUsage] and mostly
// a hint. An entry is refused if it would never fire (`0 0 31 2 *`), or if it names a zone itself (`TZ=…`).
func Parse(expr string, loc *time.Location) (Schedule, error) {
	if loc == nil {
		loc = time.UTC
	}
	s := Schedule{text: expr, zone: loc}
	var err error
	if s.entry, s.every, err = parse(expr); err != nil {
		return Schedule{}, err
	}
	return s, nil
}

// String returns the entry as it was given to [Parse].
func (s Schedule) String() string { return s.text }

// Location returns the zone whose clock counts; nil only for the zero Schedule.
func (s Schedule) Location() *time.Location { return s.zone }

// Next returns the first tick that is later than after, in UTC.
func (s Schedule) Next(after time.Time) time.Time {
	if s.zone == nil {
		return time.Time{}
	}
	at := after.Unix()
	if s.every > 0 {
		return unix((floor(at, s.every) + 1) * s.every)
	}
	// From one change of the clock to the next: in between, the wall clock is a fixed number of seconds off.
	p := s.period(at)
	wall := at + p.offset
	for {
		if s.entry.certainHours() {
			wall = max(wall, p.shown)
		}
		next, ok := s.entry.next(wall)
		if !ok {
			return time.Time{} // not of an entry that parse let through
		}
		if next-p.offset < p.end {
			return unix(next - p.offset)
		}
		after := s.period(p.end)
		if s.entry.certainHours() && next-after.offset < p.end {
			return unix(p.end) // the clock skips it
		}
		wall = p.end + after.offset - 1
		p = after
	}
}

// Latest returns the last tick that is later than after and not later than until, in UTC; the zero time if there is none.
// It does not walk the ticks: a span of years costs no more than one of hours.
func (s Schedule) Latest(after, until time.Time) time.Time {
	latest := s.Next(after)
	if latest.IsZero() || latest.After(until) {
		return time.Time{}
	}
	none := until.Unix() // no tick is later than this and not later than until
	for latest.Unix() < none {
		middle := latest.Unix() + (none-latest.Unix())/2
		if tick := s.Next(unix(middle)); tick.After(until) {
			none = middle
		} else {
			latest = tick
		}
	}
	return latest
}

// period is a span in which the zone's clock does not change, in seconds since 1970.
type period struct {
	offset int64 // what the wall clock adds to UTC
	shown  int64 // the last time of the wall clock that an earlier period has shown already
	end    int64 // when the next one starts
}

const endOfTime = 1 << 60 // seconds

// period returns that of a moment.
func (s Schedule) period(at int64) period {
	t := time.Unix(at, 0).In(s.zone)
	start, end := t.ZoneBounds()
	// On the last day of leap years after 2037 ZoneBounds of Go 1.26 takes a moment that is over for the end.
	for later := t; !end.IsZero() && end.Unix() <= at; {
		later = later.AddDate(0, 0, 1)
		_, end = later.ZoneBounds()
	}
	p := period{offset: offset(t), shown: -endOfTime, end: endOfTime}
	if !start.IsZero() {
		p.shown = start.Unix() - 1 + offset(start.Add(-time.Second))
	}
	if !end.IsZero() {
		p.end = end.Unix()
	}
	return p
}

func offset(t time.Time) int64 {
	_, seconds := t.Zone()
	return int64(seconds)
}

func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// floor divides, rounding down for negative n, too.
func floor(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}
