// Package eventline parses a line of a Mixpanel export: it proves that the line is valid JSON that every reader of the
// database can handle, and extracts the fields that become columns. It does not know where lines come from or where
// they go.
package eventline

import (
	"errors"
	"math"
	"strconv"

	"mixduck/internal/jsonscan"
)

// MaxDepth is the maximum nesting of objects and arrays.
const MaxDepth = jsonscan.MaxDepth

// Event holds the columns of a line. Its slices point into the line, or to separate memory if an escape was decoded.
type Event struct {
	Name        []byte
	DistinctID  []byte // empty if missing, null or ""
	InsertID    []byte // empty if missing, null or ""
	Properties  []byte // the exact text of the object
	TimeMicros  int64  // "time" as sent, since 1970 in the zone in which the project writes times; always positive
	ProcessedMS int64  // "mp_processing_time_ms", UTC, below 10^15; 0 if missing or not such a number

	// Extra is the first key other than event and properties, as written, without quotes; nil if there is none. Such a
	// field does not change the event.
	Extra []byte

	// Values are the values of the requested [Keys], in their order and exactly as written, as JSON. A missing value
	// is nil.
	Values [][]byte
}

// The reasons why a line is not an event. They are stored with the line, so their texts are API.
var (
	ErrJSON      = jsonscan.ErrJSON
	ErrUTF8      = jsonscan.ErrUTF8
	ErrSurrogate = jsonscan.ErrSurrogate
	ErrDepth     = jsonscan.ErrDepth
	ErrNoEvent   = errors.New("no event name")
	ErrNoProps   = errors.New("no properties object")
	ErrNoTime    = errors.New("no time")
)

// Parse fills e from line, which must not end with a newline. The first occurrence of a key counts, as in DuckDB. It
// returns one of the errors above, unwrapped; e is then undefined.
func Parse(line []byte, e *Event) error { return (*Keys)(nil).Parse(line, e) }

// Parse is like [Parse], and also stores the values of the keys. It reuses the memory of e.Values.
func (k *Keys) Parse(line []byte, e *Event) error { return parse(line, e, k, nil) }

func parse(line []byte, e *Event, k *Keys, c *Census) error {
	*e = Event{Values: k.blank(e.Values)}
	p := parser{Scanner: jsonscan.Scanner{B: line}, e: e, keys: k, census: c}
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

// parser parses a line.
type parser struct {
	jsonscan.Scanner
	e      *Event
	keys   *Keys   // keys to store values of; nil for none
	census *Census // counts properties; nil for none
	seen   uint8
}

// topField handles a field of the top-level object.
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
		if p.census != nil && p.e.Name != nil {
			p.counted(p.e.Name)
		} else {
			p.Object(1, p.property)
		}
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

// Fields of which only the first occurrence counts, as bits of parser.seen.
const (
	seenEvent = 1 << iota
	seenProperties
	seenTime
	seenDistinctID
	seenInsertID
	seenProcessed
)

// property handles a field of the properties object.
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
	p.take(columnOf(key), raw)
}

// columnOf returns the bit of the column that a property fills, 0 for none.
func columnOf(key []byte) uint8 {
	if len(key) < 4 {
		return 0
	}
	switch string(key) {
	case "time":
		return seenTime
	case "distinct_id":
		return seenDistinctID
	case "$insert_id":
		return seenInsertID
	case "mp_processing_time_ms":
		return seenProcessed
	}
	return 0
}

// take stores the value of a property that fills a column.
func (p *parser) take(column uint8, raw []byte) {
	if column == 0 || !p.first(column) {
		return
	}
	switch column {
	case seenTime:
		p.e.TimeMicros = micros(raw)
	case seenDistinctID:
		p.e.DistinctID = jsonscan.Text(raw)
	case seenInsertID:
		p.e.InsertID = jsonscan.Text(raw)
	case seenProcessed:
		p.e.ProcessedMS = millis(raw)
	}
}

// counted reads the properties of an event like [jsonscan.Scanner.Object] with property, and gives the census its fields.
func (p *parser) counted(name []byte) {
	if !p.Eat('{') {
		p.Fail(ErrJSON)
		return
	}
	c := p.census
	g := c.begin(name, p.B)
	if p.Eat('}') {
		return
	}
	for at := uint32(0); p.Err == nil; {
		at = p.key(g, at)
		if p.Err != nil {
			return
		}
		start := p.I
		p.Value(2)
		if p.Err != nil {
			return
		}
		c.row = append(c.row, rowField{at, kindOf(&p.Scanner, start), start})
		f := &g.fields[at]
		if f.promoted >= 0 && p.e.Values != nil && p.e.Values[f.promoted] == nil {
			p.e.Values[f.promoted] = p.B[start:p.I]
		}
		if f.column != 0 {
			p.take(f.column, p.B[start:p.I])
		}
		if p.Eat('}') {
			return
		}
		if !p.Eat(',') {
			p.Fail(ErrJSON)
		}
	}
}

// key reads a key and what stands between it and its value, and returns its field.
func (p *parser) key(g *eventCensus, after uint32) uint32 {
	next := g.fields[after].next
	if raw := g.fields[next].raw; next > 0 && len(p.B)-p.I > len(raw) && string(p.B[p.I:p.I+len(raw)]) == raw {
		p.I = p.Space(p.I + len(raw))
		return next
	}
	p.I = p.Space(p.I)
	start := p.I
	p.Str()
	if p.Err != nil {
		return 0
	}
	end := p.I
	key := p.B[start+1 : end-1]
	if p.Odd {
		key = jsonscan.Text(p.B[start:end])
	}
	if !p.Eat(':') {
		p.Fail(ErrJSON)
		return 0
	}
	raw := p.B[start:p.I] // with white space before the colon, if there is any
	p.I = p.Space(p.I)
	return p.census.find(g, after, key, raw)
}

// first reports whether the field of bit has not been seen before.
func (p *parser) first(bit uint8) bool {
	isFirst := p.seen&bit == 0
	p.seen |= bit
	return isFirst
}

// millisFrom is the smallest "time" in milliseconds: in seconds it would be in the year 5138.
const millisFrom = 1e11

// maxTime is the limit for times in any unit: larger numbers of microseconds would not fit into a timestamp.
const maxTime = 1e15

// micros converts the number in raw, in seconds or (time_in_ms) milliseconds, to microseconds; 0 if it is not a time.
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

// millis returns the number in raw without its fraction; 0 if it is not a time.
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

// float returns the number in raw in any notation; 0 if it is not a time.
func float(raw []byte) float64 {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(f > 0 && f < maxTime) {
		return 0
	}
	return f
}

// integer returns the non-negative integer in raw if it consists only of digits, otherwise 0.
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
