package cron

import (
	"math/bits"
	"strings"
	"time"

	"mixduck/internal/day"
)

// set holds small numbers: those that a field matches.
type set uint64

func (s set) has(n int) bool { return s>>n&1 == 1 }

// from returns the smallest number of s that is not below n, false if there is none.
func (s set) from(n int) (int, bool) {
	rest := s >> n << n
	return bits.TrailingZeros64(uint64(rest)), rest != 0
}

// fields are those of an entry. They are matched against the wall clock, which is counted in seconds as if it were in UTC.
type fields struct {
	second, minute, hour, date, month, weekday set
	eitherDay                                  bool // the date or the weekday has to match, not both
	certainHours                               bool // not all
}

// parseFields reads the six fields of an entry.
func parseFields(texts [6]string) (f fields, err error) {
	for i, to := range []*set{&f.second, &f.minute, &f.hour, &f.date, &f.month, &f.weekday} {
		if *to, err = grammar[i].parse(texts[i]); err != nil {
			return fields{}, err
		}
	}
	if f.weekday.has(7) {
		f.weekday = f.weekday&^(1<<7) | 1 // Sunday
	}
	f.certainHours = f.hour != 1<<24-1
	f.eitherDay = !strings.ContainsAny(texts[3][:1]+texts[5][:1], "*?")
	return f, nil
}

const (
	secondsOfDay = 24 * 60 * 60
	calendar     = 146_097 // days, after which dates fall on the same weekdays again
)

// next returns the first time of the wall clock after the given one that matches, false if none ever does.
func (f fields) next(wall int64) (int64, bool) {
	wall++
	first := floor(wall, secondsOfDay)
	clock := int(wall - first*secondsOfDay)
	for d := first; d <= first+calendar; d++ {
		if f.onDay(day.Day(d)) {
			if at, ok := f.onClock(clock); ok {
				return d*secondsOfDay + int64(at), true
			}
		}
		clock = 0
	}
	return 0, false
}

func (f fields) onDay(d day.Day) bool {
	t := d.Start(time.UTC)
	_, month, date := t.Date()
	if !f.month.has(int(month)) {
		return false
	}
	onDate, onWeekday := f.date.has(date), f.weekday.has(int(t.Weekday()))
	if f.eitherDay {
		return onDate || onWeekday
	}
	return onDate && onWeekday
}

// onClock returns the first matching second of a day that is not before the given one.
func (f fields) onClock(from int) (int, bool) {
	hour, minute, second := from/3600, from/60%60, from%60
	firstMinute, _ := f.minute.from(0)
	firstSecond, _ := f.second.from(0)
	if f.hour.has(hour) {
		if f.minute.has(minute) {
			if s, ok := f.second.from(second); ok {
				return hour*3600 + minute*60 + s, true
			}
		}
		if m, ok := f.minute.from(minute + 1); ok {
			return hour*3600 + m*60 + firstSecond, true
		}
	}
	h, ok := f.hour.from(hour + 1)
	return h*3600 + firstMinute*60 + firstSecond, ok
}
