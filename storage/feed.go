package storage

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"mixduck/internal/day"
	"mixduck/internal/eventline"
)

// feed is the table function that a load inserts from: DuckDB's own threads take blocks of lines and cut them into rows,
// so that parsing, hashing and compressing keep all of them busy.
type feed struct {
	window Window
	blocks *blocks
	seen   *seen
	zone   *zoneOffsets

	lines, rows, duplicates atomic.Int64

	mu         sync.Mutex // guards what follows; nothing of it is touched for an ordinary line
	quarantine []badLine
	badBytes   int64
	outside    int64
	overridden []eventKey
	err        error
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

var errOutside = errors.New("outside the days asked")

type feedKey struct{}

// registerFeed makes mixduck_feed() known on conn. It reads the feed that the statement's context carries.
func registerFeed(conn *sql.Conn) error {
	return duckdb.RegisterTableUDF(conn, "mixduck_feed", duckdb.ParallelChunkTableFunction{
		BindArgumentsContext: func(ctx context.Context, _ map[string]any, _ ...any) (duckdb.ParallelChunkTableSource, error) {
			f, ok := ctx.Value(feedKey{}).(*feed)
			if !ok {
				return nil, errors.New("mixduck_feed is for loading only")
			}
			return f, nil
		},
	})
}

// The columns of mixduck_feed, in order.
const (
	colName = iota
	colTime
	colDistinctID
	colInsertID
	colProperties
	colDay
	colProcessed
)

// ColumnInfos implements the table function.
func (*feed) ColumnInfos() []duckdb.ColumnInfo {
	varchar, errV := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	bigint, errB := duckdb.NewTypeInfo(duckdb.TYPE_BIGINT)
	if errV != nil || errB != nil {
		return nil // both are always known; binding fails without columns
	}
	return []duckdb.ColumnInfo{
		colName: {Name: "event_name", T: varchar}, colTime: {Name: "event_us", T: bigint},
		colDistinctID: {Name: "distinct_id", T: varchar}, colInsertID: {Name: "insert_id", T: varchar},
		colProperties: {Name: "properties", T: varchar}, colDay: {Name: "day", T: bigint}, colProcessed: {Name: "processed_ms", T: bigint},
	}
}

// Cardinality implements the table function: unknown.
func (*feed) Cardinality() *duckdb.CardinalityInfo { return nil }

// Init implements the table function.
func (*feed) Init() duckdb.ParallelTableSourceInfo {
	return duckdb.ParallelTableSourceInfo{MaxThreads: blocksInUse / 2}
}

// feedThread is the state of one of DuckDB's threads.
type feedThread struct {
	block   *block
	rest    []byte // what is left of block
	line    int64  // number of the next line
	event   eventline.Event
	scratch []byte
}

// NewLocalState implements the table function.
func (*feed) NewLocalState() any { return &feedThread{} }

// FillChunk implements the table function: it fills chunk with rows, none at the end.
func (f *feed) FillChunk(state any, chunk duckdb.DataChunk) error {
	t, ok := state.(*feedThread)
	if !ok {
		return errors.New("mixduck_feed: foreign state")
	}
	n, lines, duplicates := 0, int64(0), int64(0)
	for n < duckdb.GetDataChunkCapacity() {
		line, err := f.next(t)
		if err != nil {
			return f.fail(err)
		}
		if line == nil {
			break
		}
		lines++
		d, reason := f.judge(line, t)
		if reason != nil {
			if err := f.setAside(line, t.line-1, d, reason); err != nil {
				return f.fail(err)
			}
			continue
		}
		switch f.seen.add(&t.event, &t.scratch) {
		case duplicate:
			duplicates++
			continue
		case newer:
			f.override(&t.event)
		case fresh:
		}
		if err := put(chunk, n, &t.event, d.V); err != nil {
			return f.fail(err)
		}
		n++
	}
	f.lines.Add(lines)
	f.duplicates.Add(duplicates)
	f.rows.Add(int64(n))
	return chunk.SetSize(n)
}

// next returns the next line of this thread without its end, or nil after the last. A line that is empty is none.
func (f *feed) next(t *feedThread) ([]byte, error) {
	for {
		if len(t.rest) == 0 {
			if t.block != nil {
				f.blocks.free <- t.block
				t.block = nil
			}
			blk, ok := <-f.blocks.full
			if !ok {
				return nil, f.blocks.err
			}
			t.block, t.rest, t.line = blk, blk.lines, blk.first
			continue
		}
		end := bytes.IndexByte(t.rest, '\n')
		line := t.rest[:end]
		t.rest = t.rest[end+1:]
		t.line++
		if line = bytes.TrimSuffix(line, []byte{'\r'}); len(line) > 0 {
			return line, nil
		}
	}
}

// judge parses a line into t.event, with its time in UTC, and returns its day; or why it is to be set aside. The day of
// a line that is no event is that of the window, if the window has only one.
func (f *feed) judge(line []byte, t *feedThread) (d sql.Null[day.Day], reason error) {
	if err := eventline.Parse(line, &t.event); err != nil {
		return sql.Null[day.Day]{V: f.window.Days.From, Valid: f.window.Days.Len() == 1}, err
	}
	d = sql.Null[day.Day]{V: day.Day(t.event.TimeMicros / (24 * time.Hour).Microseconds()), Valid: true}
	if !f.window.Days.Contains(d.V) {
		reason = errOutside
	}
	t.event.TimeMicros = f.zone.utcMicros(t.event.TimeMicros)
	return d, reason
}

// setAside keeps a line for the quarantine, unless it says that the whole body is no export.
func (f *feed) setAside(line []byte, number int64, d sql.Null[day.Day], reason error) error {
	if f.window.Inspect != nil {
		if err := f.window.Inspect(line); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(reason, errOutside) {
		f.outside++
	}
	f.quarantine = append(f.quarantine, badLine{number: number, day: d, reason: reason, line: bytes.Clone(line)})
	f.badBytes += int64(len(line))
	if f.badBytes > maxBadBytes {
		return &BadLinesError{Bad: int64(len(f.quarantine)), Lines: f.lines.Load(), Reason: f.quarantine[0].reason}
	}
	return nil
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

// put writes one row.
func put(chunk duckdb.DataChunk, row int, e *eventline.Event, d day.Day) error {
	return errors.Join(
		duckdb.SetChunkValue(chunk, colName, row, e.Name),
		duckdb.SetChunkValue(chunk, colTime, row, e.TimeMicros),
		setText(chunk, colDistinctID, row, e.DistinctID),
		setText(chunk, colInsertID, row, e.InsertID),
		duckdb.SetChunkValue(chunk, colProperties, row, e.Properties),
		duckdb.SetChunkValue(chunk, colDay, row, int64(d)),
		setMillis(chunk, row, e.ProcessedMS),
	)
}

// setText writes text, NULL if it is empty.
func setText(chunk duckdb.DataChunk, col, row int, v []byte) error {
	if len(v) == 0 {
		return chunk.SetValue(col, row, nil)
	}
	return duckdb.SetChunkValue(chunk, col, row, v)
}

// setMillis writes the processing time, NULL if there is none.
func setMillis(chunk duckdb.DataChunk, row int, ms int64) error {
	if ms == 0 {
		return chunk.SetValue(colProcessed, row, nil)
	}
	return duckdb.SetChunkValue(chunk, colProcessed, row, ms)
}

// fail keeps the first error: DuckDB hands on only its text.
func (f *feed) fail(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	return err
}
