package jobs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mixduck/internal/day"
)

// DayState says how completely a day of a table is stored. It is one character of an encoded day map.
type DayState byte

// The states of days. They are not hexadecimal digits in lower case, which follow them in a day map.
const (
	DayComplete    DayState = 'C'
	DayPartial     DayState = 'P'
	DayUnavailable DayState = 'U' // Mixpanel no longer serves it
	DayMissing     DayState = 'M' // nothing is known about it
)

// String returns the name of the state: complete, partial, unavailable or missing.
func (s DayState) String() string {
	switch s {
	case DayComplete:
		return "complete"
	case DayPartial:
		return "partial"
	case DayUnavailable:
		return "unavailable"
	case DayMissing:
	}
	return "missing"
}

// StoredDay is one day of a table.
type StoredDay struct {
	Day   day.Day
	State DayState
	Rows  int64

	Changed     bool // a later fetch changed the stored day
	Quarantined bool // lines in quarantine belong, or may belong, to the day
}

// Days is the day map of a table: the days in ascending order from the first known day to the last, without gaps.
type Days []StoredDay

// NewDays returns the day map of the given days, in any order, and fills the gaps with missing days.
func NewDays(known []StoredDay) Days {
	known = slices.Clone(known)
	slices.SortFunc(known, func(a, b StoredDay) int { return int(a.Day - b.Day) })
	var all Days
	for _, d := range known {
		for len(all) > 0 && all[len(all)-1].Day < d.Day-1 {
			all = append(all, StoredDay{Day: all[len(all)-1].Day + 1, State: DayMissing})
		}
		all = append(all, d)
	}
	return all
}

// Marks of days follow their rows in an encoded day map.
const (
	markChanged     = '+'
	markQuarantined = '!'
)

// String encodes the day map: the first day, a space, and for each day its state, its rows in hexadecimal and its marks. For a
// run of missing days, the number is their count. ParseDays reads it.
func (days Days) String() string {
	if len(days) == 0 {
		return ""
	}
	b := []byte(days[0].Day.String() + " ")
	for i := 0; i < len(days); i++ {
		d := days[i]
		n := d.Rows
		if d.State == DayMissing {
			for n = 1; i+1 < len(days) && days[i+1].State == DayMissing; i++ {
				n++
			}
		}
		b = append(b, byte(d.State))
		b = strconv.AppendInt(b, n, 16)
		if d.Changed {
			b = append(b, markChanged)
		}
		if d.Quarantined {
			b = append(b, markQuarantined)
		}
	}
	return string(b)
}

// maxDays limits the length of a day map: about 270 years.
const maxDays = 100_000

// ParseDays decodes a day map.
func ParseDays(s string) (Days, error) {
	if s == "" {
		return nil, nil
	}
	first, text, _ := strings.Cut(s, " ")
	d, err := day.Parse(first)
	if err != nil {
		return nil, fmt.Errorf("day map: %w", err)
	}
	days := make(Days, 0, len(text)/5)
	for len(text) > 0 {
		state := DayState(text[0])
		end := 1
		for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] >= 'a' && text[end] <= 'f') {
			end++
		}
		n, err := strconv.ParseInt(text[1:end], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("day map at %s: %w", d, err)
		}
		text = text[end:]
		switch state {
		case DayComplete, DayPartial, DayUnavailable:
			stored := StoredDay{Day: d, State: state, Rows: n}
			text, stored.Changed = cutMark(text, markChanged)
			text, stored.Quarantined = cutMark(text, markQuarantined)
			days = append(days, stored)
			d++
		case DayMissing:
			if n > maxDays {
				return nil, fmt.Errorf("day map at %s: %d missing days", d, n)
			}
			for range n {
				days = append(days, StoredDay{Day: d, State: state})
				d++
			}
		default:
			return nil, fmt.Errorf("day map at %s: unknown state %q", d, state)
		}
		if len(days) > maxDays {
			return nil, fmt.Errorf("day map: more than %d days", maxDays)
		}
	}
	return days, nil
}

// cutMark removes a mark from the start of text, and reports whether it was there.
func cutMark(text string, mark byte) (rest string, found bool) {
	if len(text) > 0 && text[0] == mark {
		return text[1:], true
	}
	return text, false
}

// Ranges returns the ranges of days with a state, in ascending order.
func (days Days) Ranges(state DayState) (all []day.Range) {
	for _, d := range days {
		switch {
		case d.State != state:
		case len(all) > 0 && all[len(all)-1].To == d.Day-1:
			all[len(all)-1].To = d.Day
		default:
			all = append(all, day.Range{From: d.Day, To: d.Day})
		}
	}
	return all
}

// DayReport is what an attempt knows about the days of tables.
type DayReport struct {
	Seq    int64           // increases with each report of an attempt
	All    bool            // other tables of the database have no days
	Tables map[string]Days // by name
}

// ReportDays records the days of a table that the attempt has changed. It is cheap and safe for concurrent use.
func (a *Attempt) ReportDays(table string, days Days) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.days.Tables == nil {
		a.days.Tables = make(map[string]Days)
	}
	a.days.Seq++
	a.days.Tables[table] = days
}

// ReportAllDays returns a report about all tables of the database, which replaces those that are not written yet.
func (a *Attempt) ReportAllDays(tables map[string]Days) DayReport {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.days.Seq++
	a.days.Tables = nil
	return DayReport{Seq: a.days.Seq, All: true, Tables: tables}
}

// UnwrittenDays returns what was reported since the last call.
func (a *Attempt) UnwrittenDays() DayReport {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.days
	a.days.Tables = nil
	return r
}
