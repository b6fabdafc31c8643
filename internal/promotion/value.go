package promotion

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// The functions below convert the value of a property, as valid JSON, to that of a column. ok is false if the value
// does not fit the type: the column is then NULL. docs/promoted.md has the rules. Each value is converted on its own,
// so a row never depends on its neighbors. DuckDB's own casts are not used: in 1.5.6 a text that names a time zone
// changes how later texts of the same chunk are parsed, and texts cast to BIGINT are rounded.

// ParseBigInt parses a number without a fraction.
func ParseBigInt(value []byte) (n int64, ok bool) {
	d, ok := parseDecimal(spelled(value))
	if !ok {
		return 0, false
	}
	n, exact, ok := d.scaled(0)
	return n, ok && exact
}

// ParseDouble parses a number, and returns the nearest double. Zero has no sign. NaN, infinities, and numbers beyond
// the largest double are rejected.
func ParseDouble(value []byte) (f float64, ok bool) {
	text := spelled(value)
	if _, ok := parseDecimal(text); !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, false
	}
	return f + 0, true // -0 + 0 is 0
}

// ParseBoolean parses a boolean.
func ParseBoolean(value []byte) (truth, ok bool) {
	text := spelled(value)
	if len(text) <= len("false") {
		var lower [len("false")]byte
		for i, c := range text {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			lower[i] = c
		}
		switch string(lower[:len(text)]) {
		case "true", "t", "yes", "y":
			return true, true
		case "false", "f", "no", "n":
			return false, true
		}
	}
	n, ok := ParseBigInt(value)
	return n == 1, ok && (n == 0 || n == 1)
}

// millisFrom is the smallest number that is a time in milliseconds, as in an event's own "time": in seconds it would
// be in the year 5138. Numbers from maxTime on are not times.
const (
	millisFrom = 1e11
	maxTime    = 1e14
)

// ParseTimestamp parses a time, and returns microseconds since 1970, UTC.
func (z Zones) ParseTimestamp(value []byte) (micros int64, ok bool) {
	if isText(value) {
		m, ok := z.parseMoment(spelled(value))
		if !ok {
			return 0, false
		}
		return m.unixMicro()
	}
	d, ok := parseDecimal(value)
	if !ok {
		return 0, false
	}
	n, _, ok := d.scaled(0)
	switch {
	case !ok || n >= maxTime || n <= -maxTime:
		return 0, false
	case n >= millisFrom || n <= -millisFrom:
		return d.rounded(3)
	}
	return d.rounded(6)
}

// ParseDate parses a date, or the date of a time as written, ignoring its zone. It returns days since 1970.
func (z Zones) ParseDate(value []byte) (days int32, ok bool) {
	if !isText(value) {
		return 0, false
	}
	m, ok := z.parseMoment(spelled(value))
	return int32(m.days), ok
}

func isText(value []byte) bool { return len(value) > 0 && value[0] == '"' }

// spelled returns a JSON value as text, without spaces around it. It is empty for null, objects and lists.
func spelled(value []byte) []byte {
	switch {
	case len(value) == 0 || value[0] == '{' || value[0] == '[' || value[0] == 'n':
		return nil
	case !isText(value):
		return value
	case bytes.IndexByte(value, '\\') < 0:
		return bytes.Trim(value[1:len(value)-1], " \t\n\r\v\f")
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return nil
	}
	return bytes.Trim([]byte(s), " \t\n\r\v\f")
}
