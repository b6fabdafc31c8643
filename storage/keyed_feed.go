package storage

// #include "feed.h"
import "C"

import (
	"bytes"
	"errors"
	"io"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"unsafe"

	"mixduck/internal/eventline"
)

// maxKeyedColumns is the maximum number of columns of incoming rows of a keyed table.
const maxKeyedColumns = int(C.KEYED_COLUMNS)

// Part is a part of the rows of a refresh, such as a page of profiles. It is read twice, by any goroutine, and must
// return the same rows in the same order each time. If several rows have the same key, the last row of the last part
// counts.
type Part interface {
	Open() (RowReader, error)
}

// KeyPart is a [Part] that can be read faster if only keys and hashes of contents are needed.
type KeyPart interface {
	Part
	// OpenKeys returns the rows of Open, each with Hashed and the values of the key's columns. Rows that cannot be stored
	// are complete.
	OpenKeys() (RowReader, error)
}

// RowReader yields the rows of a [Part]. It is used by one goroutine at a time.
type RowReader interface {
	// Next fills row with the next row, or returns [io.EOF] after the last one. Any other error fails the refresh.
	Next(row *KeyedRow) error
	Close() error
}

// KeyedRow is a row for a keyed table. Its slices are valid until the next row.
type KeyedRow struct {
	Values [][]byte // as text, in the order of the columns; nil is NULL. JSON must be valid for package jsonscan
	Bad    error    // why it cannot be stored; then Text is quarantined
	Text   []byte
	Hashed bool // Hash is the result of a [ContentHasher]; otherwise the row is hashed
	Hash   int64
}

// keyedFeed passes the rows of a refresh to DuckDB's threads. Each thread takes one part after another.
type keyedFeed struct {
	table   *Keyed
	columns int // number of columns to read, from the first
	parts   []Part
	next    atomic.Int64 // next part to take
	lines   []int64      // of each part, once read
	wanted  *selection   // selected rows; nil means all
	rows    atomic.Int64

	mu       sync.Mutex // guards the fields below
	bad      []badLine
	badBytes int64
	err      error
	censuses []*eventline.Census // one for each reader
}

// newCensus returns a counter of the properties of the rows to store, nil if they are not counted.
func (f *keyedFeed) newCensus() *eventline.Census {
	if i := f.table.properties(); i < 0 || f.columns <= i {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := eventline.NewCensus(nil, 1)
	f.censuses = append(f.censuses, c)
	return c
}

// seqBits is the number of bits for the position within a part.
const seqBits = 32

func (f *keyedFeed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

// setAside stores a row for quarantine, in the first of the two passes.
func (f *keyedFeed) setAside(seq int64, row *KeyedRow) error {
	if f.wanted != nil || f.columns > f.table.keys() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bad = append(f.bad, badLine{number: seq, reason: row.Bad, line: bytes.Clone(row.Text)})
	if f.badBytes += int64(len(row.Text)); f.badBytes > defaultMaxBadBytes {
		return &BadLinesError{Bad: int64(len(f.bad)), Lines: f.rows.Load(), Reason: row.Bad}
	}
	return nil
}

// keyedReader fills chunks for one of DuckDB's threads.
type keyedReader struct {
	feed   *keyedFeed
	reader RowReader
	part   int
	line   int64 // of the part
	row    KeyedRow
	texts  []texts
	bytes  int
	hasher *ContentHasher
	census *eventline.Census
}

// keyedThread is called when one of DuckDB's threads starts to take rows. Handles are cgo handles.
//
//export keyedThread
func keyedThread(feedHandle C.uintptr_t) C.uintptr_t {
	f, ok := cgo.Handle(feedHandle).Value().(*keyedFeed)
	if !ok {
		return 0
	}
	r := &keyedReader{feed: f, texts: make([]texts, f.columns), hasher: NewContentHasher(f.table.Columns), census: f.newCensus()}
	r.row.Values = make([][]byte, len(f.table.Columns))
	return C.uintptr_t(cgo.NewHandle(r))
}

// keyedThreadEnd is called when a thread has taken its last row.
//
//export keyedThreadEnd
func keyedThreadEnd(thread C.uintptr_t) {
	h := cgo.Handle(thread)
	if r, ok := h.Value().(*keyedReader); ok && r.reader != nil {
		_ = r.reader.Close() // the statement has failed
	}
	h.Delete()
}

// keyedFill fills a chunk and returns the number of its rows: 0 at the end, -1 if the feed has failed.
//
//export keyedFill
func keyedFill(thread C.uintptr_t, to *C.keyed_chunk) C.int64_t {
	r, ok := cgo.Handle(thread).Value().(*keyedReader)
	if !ok {
		return -1
	}
	n, err := r.fill(to)
	if err != nil {
		r.feed.fail(err)
		return -1
	}
	r.feed.rows.Add(int64(n))
	return C.int64_t(n)
}

// maxChunkBytes limits the size of a chunk with long rows.
const maxChunkBytes = 8 << 20

// fill fills a chunk. The chunk is empty only at the end of the feed.
func (r *keyedReader) fill(to *C.keyed_chunk) (rows int, err error) {
	for i := range r.texts {
		r.texts[i].base = r.texts[i].base[:0]
	}
	for r.bytes = 0; rows < chunkRows && r.bytes < maxChunkBytes; {
		seq, ok, err := r.nextRow()
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		if r.feed.wanted.has(seq) {
			r.add(to, rows, seq)
			rows++
		}
	}
	return r.put(to, rows), nil
}

// nextRow reads the next valid row, and returns its position; ok is false at the end of the feed.
func (r *keyedReader) nextRow() (seq int64, ok bool, err error) {
	for {
		if r.reader == nil {
			if ok, err := r.nextPart(); err != nil || !ok {
				return 0, false, err
			}
		}
		r.row.Hashed = false
		err := r.reader.Next(&r.row)
		if errors.Is(err, io.EOF) {
			r.feed.lines[r.part] = r.line
			err = r.reader.Close()
			r.reader = nil
			if err != nil {
				return 0, false, err
			}
			continue
		}
		if err != nil {
			return 0, false, err
		}
		seq := int64(r.part)<<seqBits | r.line
		r.line++
		if r.row.Bad == nil {
			return seq, true, nil
		}
		err = r.feed.setAside(seq, &r.row)
		if err != nil {
			return 0, false, err
		}
	}
}

// nextPart opens the next part with selected rows; ok is false after the last one.
func (r *keyedReader) nextPart() (ok bool, err error) {
	for {
		r.part, r.line = int(r.feed.next.Add(1)-1), 0
		if r.part >= len(r.feed.parts) {
			return false, nil
		}
		if r.feed.wanted.any(r.part) {
			r.reader, err = r.feed.open(r.part)
			return err == nil, err
		}
	}
}

// open opens a part, with only its keys if nothing else is read.
func (f *keyedFeed) open(part int) (RowReader, error) {
	if p, ok := f.parts[part].(KeyPart); ok && f.columns == f.table.keys() && f.wanted == nil {
		return p.OpenKeys()
	}
	return f.parts[part].Open()
}

func (r *keyedReader) add(to *C.keyed_chunk, row int, seq int64) {
	unsafe.Slice(to.seq, chunkRows)[row] = C.int64_t(seq)
	if !r.row.Hashed {
		r.row.Hash = r.hasher.Hash(r.row.Values)
	}
	unsafe.Slice(to.hash, chunkRows)[row] = C.int64_t(r.row.Hash)
	if r.census != nil {
		r.count(r.row.Values[r.feed.table.properties()])
	}
	for i := range r.texts {
		v := r.row.Values[i]
		if v == nil {
			setNull(to.valid[i], row)
		}
		r.texts[i].copy(row, v)
		r.bytes += len(v)
	}
}

// count counts the properties of a row. A value that is not an object has none.
func (r *keyedReader) count(properties []byte) {
	if properties == nil || r.census.Count(nil, properties, 0) != nil {
		_ = r.census.Count(nil, []byte("{}"), 0)
	}
}

// put passes the texts to DuckDB.
func (r *keyedReader) put(to *C.keyed_chunk, rows int) int {
	if rows > 0 {
		for i := range r.texts {
			r.texts[i].put(to.column[i], rows)
		}
	}
	return rows
}

// selection is a set of row positions. The nil selection contains all.
type selection struct {
	inverted bool
	parts    []map[int64]struct{} // positions within each part
}

func newSelection(parts int, inverted bool) *selection {
	return &selection{inverted, make([]map[int64]struct{}, parts)}
}

func (s *selection) add(seq int64) {
	part := &s.parts[seq>>seqBits]
	if *part == nil {
		*part = make(map[int64]struct{})
	}
	(*part)[seq&(1<<seqBits-1)] = struct{}{}
}

func (s *selection) has(seq int64) bool {
	if s == nil {
		return true
	}
	_, listed := s.parts[seq>>seqBits][seq&(1<<seqBits-1)]
	return listed != s.inverted
}

// any reports whether the part can contain selected rows.
func (s *selection) any(part int) bool { return s == nil || s.inverted || len(s.parts[part]) > 0 }
