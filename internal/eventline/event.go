// Package eventline reads one line of a Mixpanel export: it proves that the line is valid JSON that every reader of the
// database can bear, and cuts out the fields that become columns. It knows neither where lines come from nor where they go.
package eventline

import (
	"errors"
	"math"
	"strconv"

	"mixduck/internal/jsonscan"
)

// MaxDepth is how deeply objects and arrays may be nested.
const MaxDepth = jsonscan.MaxDepth

// Event is a line's columns. Its slices alias the line, or memory of their own where an escape had to be undone.
type Event struct {
	Name        []byte
	DistinctID  []byte // empty if missing, null or ""
	InsertID    []byte // empty if missing, null or ""
	Properties  []byte // the object's exact text
	TimeMicros  int64  // "time" as sent, since 1970 in whatever zone the project writes; never 0 or less
	ProcessedMS int64  // "mp_processing_time_ms", UTC, below 10^15; 0 if missing or no such number

	// Extra is the name of the first field beside event and properties, as written, without its quotes; nil if there is none. The
	// field does not make the event another one.
	Extra []byte

	// Values are those of the properties that [Keys] asked for, in their order and exactly as written: JSON. One that the
	// event does not have is nil.
	Values [][]byte
}

// The reasons for which a line is no event. They are stored beside the line, so their texts are API.
var (
	ErrJSON      = jsonscan.ErrJSON
	ErrUTF8      = jsonscan.ErrUTF8
	ErrSurrogate = jsonscan.ErrSurrogate
	ErrDepth     = jsonscan.ErrDepth
	ErrNoEvent   = errors.New("no event name")
	ErrNoProps   = errors.New("no properties object")
	ErrNoTime    = errors.New("no time")
)

// Parse fills e from line, which has no newline at its end. Of a key that occurs twice the first counts, as in DuckDB.
// It returns one of the errors above as it is; e is then undefined.
func Parse(line []byte, e *Event) error { return (*Keys)(nil).Parse(line, e) }

// Parse is [Parse], and keeps the values of the keys, too. The memory of e.Values is used again.
func (k *Keys) Parse(line []byte, e *Event) error {
	*e = Event{Values: k.blank(e.Values)}
	p := parser{Scanner: jsonscan.Scanner{B: line}, e: e, keys: k}
	p.Object(0, p.topField)
	if p.Err == nil && p.Space(p.I) != len(line) {
		p.Fail(ErrJSON)
	}
	switch {
	case p.Err != nil:
		return p.Err
	case e.Name == nil:
		return ErrNoEvent
	case e.Properties == nil:
		return ErrNoProps
	case e.TimeMicros <= 0:
		return ErrNoTime
	}
	return nil
}

// parser walks over one line.
type parser struct {
	jsonscan.Scanner
	e    *Event
	keys *Keys // whose values are kept; nil for none
	seen uint8
}

// topField handles one field of the line's object.
func (p *parser) topField(key []byte) {
	start := p.I
	switch string(key) {
	case "event":
		p.Value(1)
		if p.Err == nil && p.first(seenEvent) && p.B[start] == '"' {
			p.e.Name = jsonscan.Text(p.B[start:p.I])
		}
	case "properties":
		if !p.first(seenProperties) || jsonscan.At(p.B, start) != '{' {
			p.Value(1)
			return
		}
		p.Object(1, p.property)
		if p.Err == nil {
			p.e.Properties = p.B[start:p.I]
		}
	default:
		p.Value(1)
		if p.e.Extra == nil {
			p.e.Extra = key
		}
	}
}

// The fields that count when they are met first, as bits of parser.seen.
const (
	seenEvent = 1 << iota
	seenProperties
	seenTime
	seenDistinctID
	seenInsertID
	seenProcessed
)

// property handles one field of the properties object.
func (p *parser) property(key []byte) {
	start := p.I
	p.Value(2)
	if p.Err != nil {
		return
	}
	raw := p.B[start:p.I]
	if p.keys != nil {
		p.keys.keep(key, raw, p.e.Values)
	}
	if len(key) < 4 {
		return
	}
	switch string(key) {
	case "time":
		if p.first(seenTime) {
			p.e.TimeMicros = micros(raw)
		}
	case "distinct_id":
		if p.first(seenDistinctID) {
			p.e.DistinctID = jsonscan.Text(raw)
		}
	case "$insert_id":
		if p.first(seenInsertID) {
			p.e.InsertID = jsonscan.Text(raw)
		}
	case "mp_processing_time_ms":
		if p.first(seenProcessed) {
			p.e.ProcessedMS = millis(raw)
		}
	}
}

// first reports whether the field named by bit has not been met before.
func (p *parser) first(bit uint8) bool {
	isFirst := p.seen&bit == 0
	p.seen |= bit
	return isFirst
}

// millisFrom is the smallest "time" that is taken as milliseconds: as seconds it would lie in the year 5138.
const millisFrom = 1e11

// maxTime bounds numbers that are times, in whatever unit: beyond it microseconds would not fit into a timestamp.
const maxTime = 1e15

// micros converts the number in raw, in seconds or (time_in_ms) milliseconds, to microseconds; 0 if it is no time.
func micros(raw []byte) int64 {
	n := integer(raw)
	switch {
	case n == 0:
		f := float(raw)
		if f >= millisFrom {
			return int64(math.Round(f * 1e3))
		}
		return int64(math.Round(f * 1e6))
	case n >= maxTime:
		return 0
	case n >= millisFrom:
		return n * 1e3
	}
	return n * 1e6
}

// millis returns the number in raw without its fraction; 0 if it is no time.
func millis(raw []byte) int64 {
	n := integer(raw)
	switch {
	case n == 0:
		return int64(float(raw))
	case n >= maxTime:
		return 0
	}
	return n
}

// float returns the number in raw, however it is written; 0 if it is no time.
func float(raw []byte) float64 {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(f > 0 && f < maxTime) {
		return 0
	}
	return f
}

// integer returns the non-negative integer that raw spells in digits only, or 0.
func integer(raw []byte) int64 {
	if len(raw) > 18 {
		return 0
	}
	var n int64
	for _, c := range raw {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int64(c-'0')
	}
	return n
}
