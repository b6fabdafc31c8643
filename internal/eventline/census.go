package eventline

import (
	"bytes"
	"iter"
	"strconv"
	"strings"

	"mixduck/internal/jsonscan"
)

// Kind is the JSON type of a property's value.
type Kind uint8

// The kinds. Integers are written without fraction and exponent. An Integer fits into 64 bits with a sign, and a
// LargeInteger has at most 38 digits. All others are Numbers.
const (
	String Kind = iota
	Integer
	LargeInteger
	Number
	Boolean
	Null
	Array
	Object
	kinds
)

// String returns the name of the kind, as in the database.
func (k Kind) String() string {
	return [...]string{"string", "integer", "large integer", "number", "boolean", "null", "array", "object"}[k]
}

// The greatest numbers of digits.
const (
	integerDigits      = 19
	largeIntegerDigits = 38
)

// kindOf returns the kind of the value that the scanner has just read, which starts at start.
func kindOf(s *jsonscan.Scanner, start int) Kind {
	switch c := s.B[start]; c {
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	case 't', 'f':
		return Boolean
	case 'n':
		return Null
	default:
		if s.Fraction {
			return Number
		}
		return kindOfInteger(s.B[start:s.I])
	}
}

func kindOfInteger(text []byte) Kind {
	digits := bytes.TrimPrefix(text, []byte("-"))
	switch n := len(digits); {
	case n < integerDigits:
		return Integer
	case n == integerDigits:
		if _, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return Integer
		}
		return LargeInteger
	case n <= largeIntegerDigits:
		return LargeInteger
	}
	return Number
}

// The limits of a [Census].
const (
	MaxProperties = 10_000   // of an event
	MaxEvents     = 5_000    // names of events
	MaxNameBytes  = 16 << 10 // of a property
	maxFields     = 200_000  // properties of all events
	maxFieldBytes = 32 << 20 // of all names
)

// Census counts the properties of events by day, event name and kind. While it parses a line, it compares the text with
// the keys that came at this place in the last event of that name, so it takes no longer than parsing without counting.
// It is for one goroutine.
//
// If there are more properties than fit into its memory, it is [Census.Full], and its counts are worthless.
type Census struct {
	keys   *Keys
	days   int
	full   bool
	events map[string]*eventCensus
	fields int
	bytes  int

	of    *eventCensus // of the line that was parsed last; nil if its properties were not read
	base  []byte       // what the positions in row refer to
	row   []rowField
	stamp uint32 // of the current row
}

// NewCensus returns a census of events on a number of days, which also stores the values of keys.
func NewCensus(keys *Keys, days int) *Census {
	return &Census{keys: keys, days: days, events: map[string]*eventCensus{}}
}

// eventCensus counts the properties of the events of one name.
type eventCensus struct {
	name     string
	fields   []field // the first is where all lines start
	index    map[string]uint32
	days     []dayCensus
	examples map[exampleKey]Example
}

// field is a property of an event.
type field struct {
	raw      string // its key with quotes and colon, as written first
	key      string
	next     uint32 // the field that last came after it
	column   uint8  // see the bits of parser.seen; 0 for none
	promoted int16  // index of its key in Keys; -1 for none
}

type rowField struct {
	field uint32
	kind  Kind
	start int
}

type dayCensus struct {
	rows    int64
	tallies []tally // by field
}

// tally counts a property on a day.
type tally struct {
	stamp  uint32 // of the last row with the property, because the first of equal keys counts
	counts [kinds]uint32
}

type exampleKey struct {
	field uint32
	kind  Kind
}

// Example is a value of a property.
type Example struct {
	Day  int
	Text string
}

// Full reports whether there were too many properties to count.
func (c *Census) Full() bool { return c.full }

// Parse is like [Keys.Parse]. If the line is an event, [Census.Add] counts it.
func (c *Census) Parse(line []byte, e *Event) error {
	c.of = nil
	if c.full {
		return c.keys.Parse(line, e)
	}
	if err := parse(line, e, c.keys, c); err != nil {
		return err
	}
	if c.of == nil { // the properties came before the name
		return c.read(e.Name, e.Properties)
	}
	return nil
}

// Count counts properties of an event that have been parsed before, or those of something else with a name.
func (c *Census) Count(name, properties []byte, day int) error {
	if c.of = nil; c.full {
		return nil
	}
	if err := c.read(name, properties); err != nil {
		return err
	}
	c.Add(day)
	return nil
}

// read reads an object, whose values are known or not needed.
func (c *Census) read(name, properties []byte) error {
	var ignored Event
	p := parser{Scanner: jsonscan.Scanner{B: properties}, e: &ignored, census: c}
	p.I = p.Space(0)
	p.counted(name)
	if p.Err == nil && p.Space(p.I) != len(properties) {
		p.Fail(ErrJSON)
	}
	return p.Err
}

// begin starts a row of events with this name.
func (c *Census) begin(name, base []byte) *eventCensus {
	c.row, c.base = c.row[:0], base
	g := c.events[string(name)]
	if g == nil {
		g = &eventCensus{
			name: string(name), fields: []field{{promoted: -1}}, index: map[string]uint32{}, days: make([]dayCensus, c.days), examples: map[exampleKey]Example{},
		}
		c.events[g.name] = g
		c.bytes += len(g.name)
		c.full = c.full || len(c.events) > MaxEvents
	}
	c.of = g
	return g
}

// find returns the field of a key that comes after another one.
func (c *Census) find(g *eventCensus, after uint32, key, raw []byte) uint32 {
	i, known := g.index[string(key)]
	if !known {
		if len(g.fields) > MaxProperties || c.fields >= maxFields || c.bytes > maxFieldBytes || len(key) > MaxNameBytes {
			c.full = true
			g.fields[0] = field{column: columnOf(key), promoted: c.keys.index(key)} // this line must still be complete
			return 0
		}
		f := field{raw: string(raw), key: string(key), column: columnOf(key), promoted: c.keys.index(key)}
		i = uint32(len(g.fields))
		g.fields, g.index[f.key] = append(g.fields, f), i
		c.fields++
		c.bytes += len(key) + len(raw)
	}
	g.fields[after].next = i
	return i
}

// Add counts the event that was parsed last, on a day.
func (c *Census) Add(day int) {
	g := c.of
	if g == nil || c.full {
		return
	}
	d := &g.days[day]
	d.rows++
	if len(d.tallies) < len(g.fields) {
		d.tallies = append(d.tallies, make([]tally, len(g.fields)-len(d.tallies))...)
	}
	c.stamp++
	for _, f := range c.row {
		t := &d.tallies[f.field]
		if t.stamp == c.stamp {
			continue
		}
		t.stamp = c.stamp
		if t.counts[f.kind]++; t.counts[f.kind] == 1 {
			c.exemplify(g, f, day)
		}
	}
}

// exemplify keeps the first value of a property.
func (c *Census) exemplify(g *eventCensus, f rowField, day int) {
	key := exampleKey{f.field, f.kind}
	if _, known := g.examples[key]; known {
		return
	}
	s := jsonscan.Scanner{B: c.base, I: f.start}
	s.Value(2)
	g.examples[key] = Example{day, Shorten(c.base[f.start:s.I])}
}

// maxExample is the maximum length of an example, in bytes.
const maxExample = 40

// Shorten returns the text of a valid JSON value as an example: without the quotes of a string, and cut between
// characters.
func Shorten(raw []byte) string {
	if raw[0] == '"' {
		raw = jsonscan.Text(raw)
	}
	return Cut(string(raw), maxExample)
}

// Cut returns the text, or its beginning of at most n bytes, with an ellipsis.
func Cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(text[:n-len(ellipsis)], "") + ellipsis
}

// Tally is the number of rows of a day with a property, or of the event itself.
type Tally struct {
	Day      int
	Event    string
	IsEvent  bool // the rows of the event
	Property string
	Kind     Kind
	Rows     int64
	Example  *Example // a value; nil for events
}

// All yields what was counted.
func (c *Census) All() iter.Seq[Tally] {
	return func(yield func(Tally) bool) {
		for _, g := range c.events {
			for day := range g.days {
				if !g.yield(day, yield) {
					return
				}
			}
		}
	}
}

func (g *eventCensus) yield(day int, yield func(Tally) bool) bool {
	d := &g.days[day]
	if d.rows > 0 && !yield(Tally{Day: day, Event: g.name, IsEvent: true, Rows: d.rows}) {
		return false
	}
	for i := range d.tallies {
		for kind, n := range d.tallies[i].counts {
			if n == 0 {
				continue
			}
			example := g.examples[exampleKey{uint32(i), Kind(kind)}]
			if !yield(Tally{Day: day, Event: g.name, Property: g.fields[i].key, Kind: Kind(kind), Rows: int64(n), Example: &example}) {
				return false
			}
		}
	}
	return true
}
