package storage

import (
	"bytes"
	"cmp"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mixduck/internal/answer"
	"mixduck/internal/day"
	"mixduck/internal/eventline"
)

// feed is the source of a load. mixduck_feed gives each of DuckDB's threads a [reader], so all threads parse, hash and
// compress.
type feed struct {
	window Window
	blocks *answer.Blocks
	seen   *seen
	zone   *zoneOffsets

	keys        *eventline.Keys // promoted properties
	promoted    int             // number of promoted properties
	maxBadBytes int64           // limit for quarantined lines

	lines, rows, duplicates atomic.Int64
	joined, extra           atomic.Int64 // see [Receipt]

	mu         sync.Mutex // guards the fields below, which ordinary lines do not use
	quarantine []badLine
	badBytes   int64
	outside    int64
	overridden []eventKey
	extraKeys  []string
	err        error
	times      []*evidence         // one for each reader
	censuses   []*eventline.Census // likewise
}

// bytesPerRow is the approximate size of an event in a compressed response.
const bytesPerRow = 120

func newFeed(w Window, promoted []Promotion, maxBadBytes int64) *feed {
	names := make([]string, len(promoted))
	for i, p := range promoted {
		names[i] = p.Property
	}
	return &feed{
		window: w, blocks: answer.NewBlocks(w.Parts...), seen: newSeen(w.Bytes / bytesPerRow),
		zone: offsetsOfDays(w.Zone, w.Days),
		keys: eventline.NewKeys(names), promoted: len(names), maxBadBytes: maxBadBytes,
	}
}

// newEvidence returns the counter of event times for one reader.
func (f *feed) newEvidence() *evidence {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := &evidence{}
	f.times = append(f.times, e)
	return e
}

// newCensus returns the counter of properties for one reader.
func (f *feed) newCensus() *eventline.Census {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := eventline.NewCensus(f.keys, f.window.Days.Len())
	f.censuses = append(f.censuses, c)
	return c
}

// evidence returns the combined evidence of all rows. All readers must have ended.
func (f *feed) evidence() *evidence {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := &evidence{}
	if f.window.Zone != nil {
		all.Zone = f.window.Zone.String()
	}
	for _, e := range f.times {
		all.join(e, 1)
	}
	return all
}

// badLine is a line for the quarantine.
type badLine struct {
	number int64
	day    sql.Null[day.Day] // if it is known
	reason error
	line   []byte
}

// eventKey identifies rows of which only the newest may stay.
type eventKey struct {
	name, distinctID, insertID string
	time                       time.Time
}

// defaultMaxBadBytes limits the memory for quarantined lines.
const defaultMaxBadBytes = 128 << 20

var errOutside = errors.New("outside the requested days")

// judge checks a line. If it is an event, judge fills e, converts its time to UTC and returns its day. Otherwise it
// returns the reason for the quarantine. The day of a line that is not an event is known only if the window has one
// day.
func (f *feed) judge(line answer.Line, e *eventline.Event) (d sql.Null[day.Day], reason error) {
	if line.Reason != nil {
		return sql.Null[day.Day]{V: f.window.Days.From, Valid: f.window.Days.Len() == 1}, line.Reason
	}
	d = sql.Null[day.Day]{V: sentDay(e), Valid: true}
	if !f.window.Days.Contains(d.V) {
		reason = errOutside
	}
	e.TimeMicros = f.zone.utcMicros(e.TimeMicros)
	return d, reason
}

// sentDay returns the day of an event as the project counts days.
func sentDay(e *eventline.Event) day.Day {
	return day.Day(e.TimeMicros / (24 * time.Hour).Microseconds())
}

// setAside stores a line for the quarantine.
func (f *feed) setAside(line answer.Line, d sql.Null[day.Day], reason error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(reason, errOutside) {
		f.outside++
	}
	f.quarantine = append(f.quarantine, badLine{number: line.Number, day: d, reason: reason, line: bytes.Clone(line.Text)})
	f.badBytes += int64(len(line.Text))
	if f.badBytes > f.maxBadBytes {
		return &BadLinesError{Bad: int64(len(f.quarantine)), Lines: f.lines.Load(), Reason: f.quarantine[0].reason}
	}
	return nil
}

// maxExtraKeys limits the number of unknown keys in a receipt.
const maxExtraKeys = 20

// noteExtra records the name of an unknown key.
func (f *feed) noteExtra(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.extraKeys) < maxExtraKeys && !slices.Contains(f.extraKeys, key) {
		f.extraKeys = append(f.extraKeys, key)
	}
}

// explain asks the owner of the window what the text means that makes a response incomplete.
func (f *feed) explain(err error) error {
	if broken, ok := errors.AsType[*answer.Error](err); ok && f.window.Inspect != nil {
		return cmp.Or(f.window.Inspect(broken.Text), err)
	}
	return err
}

// override records that rows with e's key must be cleaned up after the insert.
func (f *feed) override(e *eventline.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.overridden = append(f.overridden, eventKey{
		name: string(e.Name), distinctID: string(e.DistinctID), insertID: string(e.InsertID),
		time: time.UnixMicro(e.TimeMicros).UTC(),
	})
}

// fail stores the first error, because DuckDB returns only its text.
func (f *feed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}
