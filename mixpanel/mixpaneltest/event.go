package mixpaneltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

const (
	maxLineBytes = 64 << 20 // maximum length of an event's line, without its newline
	maxNesting   = 100      // maximum nesting of objects and arrays in an event's line, including the outermost
)

// event is a parsed line. The parser is simple on purpose.
type event struct {
	name          string
	properties    json.RawMessage // the text as sent
	fields        map[string]json.RawMessage
	processedAtMS int64 // 0 if absent
	time          json.Number
}

// parseEvent parses a line, with or without its newline. An error says why a correct copy must quarantine the line.
func parseEvent(line []byte) (event, error) {
	var e event
	switch {
	case len(line) > maxLineBytes:
		return e, fmt.Errorf("longer than %d bytes", maxLineBytes)
	case !utf8.Valid(line):
		return e, errors.New("not UTF-8")
	case hasLoneSurrogate(line):
		return e, errors.New("half of a surrogate pair")
	case nesting(line) > maxNesting:
		return e, fmt.Errorf("nested deeper than %d", maxNesting)
	}
	if !json.Valid(line) {
		return e, errors.New("no JSON")
	}
	object := lastFields(trimSpace(string(line)))
	if !isString(object["event"]) {
		return e, errors.New("no string event")
	}
	if err := json.Unmarshal(object["event"], &e.name); err != nil {
		return e, err
	}
	e.properties = object["properties"]
	if len(e.properties) == 0 || e.properties[0] != '{' {
		return e, errors.New("no object properties")
	}
	e.fields = lastFields(string(e.properties))
	e.time = json.Number(e.fields["time"])
	if at, err := e.time.Float64(); err != nil || at <= 0 {
		return e, errors.New("no positive time")
	}
	e.processedAtMS = int64(number(e.fields["mp_processing_time_ms"]))
	return e, nil
}

// lastFields returns the raw values of a valid JSON object. Of equal keys, the last one counts, as in encoding/json.
func lastFields(object string) map[string]json.RawMessage {
	fields := make(map[string]json.RawMessage)
	for key, value := range fieldsOf(object) {
		fields[key] = json.RawMessage(value)
	}
	return fields
}

// text returns a property that is a string.
func (e event) text(key string) (string, bool) {
	raw := e.fields[key]
	if !isString(raw) {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// micros returns the property time in microseconds, as sent.
func (e event) micros(inMS bool) int64 {
	perUnit := int64(1_000_000)
	if inMS {
		perUnit = 1_000
	}
	if n, err := e.time.Int64(); err == nil {
		return n * perUnit
	}
	return int64(math.Round(number(json.RawMessage(e.time)) * float64(perUnit)))
}

func isString(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }

// number returns the value of raw, 0 if it is not a number.
func number(raw json.RawMessage) float64 {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return 0
	}
	return f
}

// nesting returns the maximum nesting of objects and arrays in a JSON text.
func nesting(text []byte) int {
	depth, deepest := 0, 0
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// hasLoneSurrogate reports whether a JSON text contains an escaped half of a surrogate pair without the other.
func hasLoneSurrogate(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		unit := escapedUnit(text[i:])
		switch {
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return true
		case unit >= 0xD800 && unit <= 0xDBFF:
			if low := escapedUnit(text[i+6:]); low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 11
		default:
			i++ // the escaped character may be a backslash
		}
	}
	return false
}

// escapedUnit returns the code unit of the \uXXXX at the start of text, or -1.
func escapedUnit(text []byte) int64 {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseInt(string(text[2:6]), 16, 32)
	if err != nil {
		return -1
	}
	return unit
}
