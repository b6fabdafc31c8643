// Package cron computes when cron entries fire, in a time zone and across its clock changes. It knows nothing about
// jobs, and has no clock: callers pass the time.
//
// An entry has the five fields of crontab(5), optionally preceded by a sixth for seconds. It can also be @hourly,
// @daily, @weekly, @monthly, @yearly, or "@every" and a duration. If both the day of the month and the day of the week
// are given, a date matches either; a field that is * counts as not given. robfig/cron parses and matches the fields;
// this package handles zones and their clock changes.
//
// Entries for certain hours fire once for each wall-clock time that they name. If the clock skips it, they fire after
// the skip (several skipped times are one tick). If the clock shows it twice, they fire the first time. Entries for
// all hours, and those of @every, follow elapsed time: skipped times do not occur, and repeated times occur twice.
package cron

import (
	"time"
)

// Schedule is an entry in a time zone. [Parse] creates it; the zero Schedule never fires.
type Schedule struct {
	text  string
	zone  *time.Location
	every int64 // seconds of @every, 0 for entries with fields
	entry entry // of entries with fields
}

// Parse parses an entry that fires by the clock of loc; nil means UTC. Errors have the code [fault.CodeUsage] and
// usually a hint. An entry that would never fire (`0 0 31 2 *`) or that names a zone (`TZ=…`) is an error.
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

// String returns the entry as passed to [Parse].
func (s Schedule) String() string { return s.text }

// Location returns the time zone; nil only for the zero Schedule.
func (s Schedule) Location() *time.Location { return s.zone }

// Next returns the first tick after after, in UTC.
func (s Schedule) Next(after time.Time) time.Time {
	if s.zone == nil {
		return time.Time{}
	}
	at := after.Unix()
	if s.every > 0 {
		return unix((floor(at, s.every) + 1) * s.every)
	}
	// From one clock change to the next, the wall clock has a constant offset.
	p := s.period(at)
	wall := at + p.offset
	for {
		if s.entry.certainHours() {
			wall = max(wall, p.shown)
		}
		next, ok := s.entry.next(wall)
		if !ok {
			return time.Time{} // impossible for entries that parse accepts
		}
		if next-p.offset < p.end {
			return unix(next - p.offset)
		}
		after := s.period(p.end)
		if s.entry.certainHours() && next-after.offset < p.end {
			return unix(p.end) // skipped by the clock
		}
		wall = p.end + after.offset - 1
		p = after
	}
}

// Latest returns the last tick that is later than after and not later than until, in UTC; the zero time if there is
// none. It does not iterate over ticks, so long and short ranges cost the same.
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

// period is a range of time without a clock change, in seconds since 1970.
type period struct {
	offset int64 // wall clock minus UTC
	shown  int64 // the last wall-clock time that an earlier period has already shown
	end    int64 // start of the next period
}

const endOfTime = 1 << 60 // seconds

// period returns the period that contains a time.
func (s Schedule) period(at int64) period {
	t := time.Unix(at, 0).In(s.zone)
	start, end := t.ZoneBounds()
	// On the last day of leap years after 2037, ZoneBounds of Go 1.26 returns an end in the past.
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

// floor divides and rounds down, also for negative n.
func floor(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}
