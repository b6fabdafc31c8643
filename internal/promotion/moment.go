package promotion

import (
	"math"
	"strconv"
	"time"
)

// moment is a date or time in text form: a day, a time of day, and the offset from UTC.
type moment struct {
	days    int64 // since 1970
	seconds int64 // of the day
	micros  int64
	offset  int64 // seconds east of UTC
	zone    *time.Location
}

// parseMoment parses year-month-day, optionally followed by T or spaces, hour:minute[:second[.fraction]] and a zone:
// Z, +hh, +hhmm or +hh:mm, or a space and the name of a zone. Digits beyond microseconds are cut off.
func (z Zones) parseMoment(text []byte) (m moment, ok bool) {
	rest, ok := m.date(text)
	if !ok || len(rest) == 0 {
		return m, ok
	}
	switch rest[0] {
	case 'T', 't':
		rest = rest[1:]
	case ' ':
		rest = skipSpaces(rest)
	default:
		return m, false
	}
	if rest, ok = m.clock(rest); !ok || len(rest) == 0 {
		return m, ok
	}
	ok = m.suffix(rest, z)
	return m, ok
}

func skipSpaces(text []byte) []byte {
	for len(text) > 0 && text[0] == ' ' {
		text = text[1:]
	}
	return text
}

// cutNumber parses a number of minDigits to maxDigits digits.
func cutNumber(text []byte, minDigits, maxDigits int) (n int, rest []byte, ok bool) {
	digits, rest := cutDigits(text)
	if len(digits) < minDigits || len(digits) > maxDigits {
		return 0, rest, false
	}
	n, err := strconv.Atoi(string(digits))
	return n, rest, err == nil
}

func (m *moment) date(text []byte) (rest []byte, ok bool) {
	year, rest, ok := cutNumber(text, 4, 6)
	if !ok || year == 0 || len(rest) == 0 || rest[0] != '-' && rest[0] != '/' {
		return nil, false
	}
	separator := rest[0]
	month, rest, ok := cutNumber(rest[1:], 1, 2)
	if !ok || len(rest) == 0 || rest[0] != separator {
		return nil, false
	}
	day, rest, ok := cutNumber(rest[1:], 1, 2)
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	m.days = t.Unix() / 86400
	if t.Unix()%86400 < 0 {
		m.days--
	}
	return rest, ok && t.Year() == year && int(t.Month()) == month && t.Day() == day
}

func (m *moment) clock(text []byte) (rest []byte, ok bool) {
	hour, rest, ok := cutNumber(text, 1, 2)
	if !ok || len(rest) == 0 || rest[0] != ':' {
		return nil, false
	}
	minute, rest, ok := cutNumber(rest[1:], 2, 2)
	second := 0
	if ok && len(rest) > 0 && rest[0] == ':' {
		second, rest, ok = cutNumber(rest[1:], 2, 2)
		if ok && len(rest) > 0 && rest[0] == '.' {
			var digits []byte
			digits, rest = cutDigits(rest[1:])
			ok = len(digits) > 0
			d := decimal{fraction: digits}
			m.micros, _, _ = d.scaled(6)
		}
	}
	m.seconds = int64(hour)*3600 + int64(minute)*60 + int64(second)
	endOfDay := hour == 24 && minute == 0 && second == 0 && m.micros == 0
	return rest, ok && minute < 60 && second < 60 && (hour < 24 || endOfDay)
}

// suffix parses the zone after the time of day.
func (m *moment) suffix(text []byte, zones Zones) bool {
	spaced := text[0] == ' '
	text = skipSpaces(text)
	switch text[0] { // spaces at the end of the text are already cut off
	case 'Z', 'z':
		if len(text) == 1 {
			return true
		}
	case '+', '-':
		sign := text[0]
		hour, rest, ok := cutOffset(text[1:])
		if !ok || len(rest) > 0 {
			return false
		}
		if m.offset = hour; sign == '-' {
			m.offset = -hour
		}
		return true
	}
	if !spaced {
		return false
	}
	m.zone = zones.find(string(text))
	return m.zone != nil
}

// cutOffset parses hh, hhmm or hh:mm and returns seconds.
func cutOffset(text []byte) (seconds int64, rest []byte, ok bool) {
	digits, rest := cutDigits(text)
	minutes := []byte("00")
	switch {
	case len(digits) == 4:
		digits, minutes = digits[:2], digits[2:]
	case len(digits) == 2 && len(rest) > 0 && rest[0] == ':':
		minutes, rest = cutDigits(rest[1:])
	}
	hour, _, okHour := cutNumber(digits, 2, 2)
	minute, _, okMinute := cutNumber(minutes, 2, 2)
	return int64(hour)*3600 + int64(minute)*60, rest, okHour && okMinute && hour < 16 && minute < 60
}

// unixMicro returns microseconds since 1970, UTC. ok is false outside DuckDB's range: the largest number of
// microseconds means infinity.
func (m *moment) unixMicro() (micros int64, ok bool) {
	seconds := m.days*86400 + m.seconds
	if m.zone != nil {
		seconds -= offsetOf(m.zone, seconds)
	} else {
		seconds -= m.offset
	}
	const million, last = int64(1e6), int64(math.MaxInt64 - 1)
	if seconds > last/million || seconds == last/million && m.micros > last%million {
		return 0, false
	}
	return seconds*million + m.micros, true
}
