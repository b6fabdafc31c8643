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

// feed is what a load inserts from: mixduck_feed hands it to DuckDB's own threads, each with a [reader], so that parsing,
// hashing and compressing keep all of them busy.
type feed struct {
	window Window
	blocks *answer.Blocks
	seen   *seen
	zone   *zoneOffsets

	keys     *eventline.Keys // the promoted properties
	promoted int             // how many these are

	lines, rows, duplicates atomic.Int64
	joined, extra           atomic.Int64 // see [Receipt]

	mu         sync.Mutex // guards what follows; nothing of it is touched for an ordinary line
	quarantine []badLine
	badBytes   int64
	outside    int64
	overridden []eventKey
	extraKeys  []string
	err        error
	times      []*evidence // of each reader
}

// bytesPerRow is about what an event takes in a compressed response.
const bytesPerRow = 140

func newFeed(w Window, promoted []Promotion) *feed {
	names := make([]string, len(promoted))
	for i, p := range promoted {
		names[i] = p.Property
	}
	return &feed{
		window: w, blocks: answer.NewBlocks(w.Parts...), seen: newSeen(w.Bytes / bytesPerRow),
		zone: offsetsOfDays(w.Zone, w.Days),
		keys: eventline.NewKeys(names), promoted: len(names),
	}
}

// newEvidence returns where a reader counts the times of its rows.
func (f *feed) newEvidence() *evidence {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := &evidence{}
	f.times = append(f.times, e)
	return e
}

// evidence returns what the times of all rows tell, once all readers have come to their end.
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

// badLine is a line that goes to quarantine.
type badLine struct {
	number int64
	day    sql.Null[day.Day] // where it is known
	reason error
	line   []byte
}

// eventKey names rows of which only the newest may stay.
type eventKey struct {
	name, distinctID, insertID string
	time                       time.Time
}

// maxBadBytes bounds the memory for lines on their way to quarantine.
const maxBadBytes = 128 << 20

var errOutside = errors.New("outside the requested days")

// judge looks at a line, which fills e if it is an event: it turns the event's time into UTC, and returns its day, or why the line is
// to be set aside. The day of a line that is not an event is known only if the window has one day.
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

// setAside keeps a line for the quarantine.
func (f *feed) setAside(line answer.Line, d sql.Null[day.Day], reason error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(reason, errOutside) {
		f.outside++
	}
	f.quarantine = append(f.quarantine, badLine{number: line.Number, day: d, reason: reason, line: bytes.Clone(line.Text)})
	f.badBytes += int64(len(line.Text))
	if f.badBytes > maxBadBytes {
		return &BadLinesError{Bad: int64(len(f.quarantine)), Lines: f.lines.Load(), Reason: f.quarantine[0].reason}
	}
	return nil
}

// maxExtraKeys bounds how many unknown keys a receipt names.
const maxExtraKeys = 20

// noteExtra remembers the name of an unknown key.
func (f *feed) noteExtra(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.extraKeys) < maxExtraKeys && !slices.Contains(f.extraKeys, key) {
		f.extraKeys = append(f.extraKeys, key)
	}
}

// explain asks the window's owner what the text means that proves an answer not to be whole.
func (f *feed) explain(err error) error {
	if broken, ok := errors.AsType[*answer.Error](err); ok && f.window.Inspect != nil {
		return cmp.Or(f.window.Inspect(broken.Text), err)
	}
	return err
}

// override remembers that rows of e's key have to be sorted out after the insert.
func (f *feed) override(e *eventline.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.overridden = append(f.overridden, eventKey{
		name: string(e.Name), distinctID: string(e.DistinctID), insertID: string(e.InsertID),
		time: time.UnixMicro(e.TimeMicros).UTC(),
	})
}

// fail keeps the first error: DuckDB hands on only a text.
func (f *feed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}
