package storage

import (
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Rows are the rows of a statement, read from DuckDB as they are computed: a few thousand at a time are in memory.
type Rows struct {
	statement *Statement
	result    mapping.Result
	columns   int
	chunk     mapping.DataChunk
	size      int // rows of chunk
	row       int // of chunk
	texts     []textColumn
	err       error
}

// Close ends the statement if it is still running.
func (r *Rows) Close() {
	mapping.DestroyDataChunk(&r.chunk)
	mapping.DestroyResult(&r.result)
}

// Next moves to the next row. If there is none, Err says why.
func (r *Rows) Next() bool {
	r.row++
	for r.row >= r.size {
		if !r.NextChunk() {
			return false
		}
	}
	return true
}

// NextChunk moves to the first row of the next chunk, if there is one.
func (r *Rows) NextChunk() bool {
	mapping.DestroyDataChunk(&r.chunk)
	r.size, r.row = 0, 0
	r.chunk = mapping.FetchChunk(r.result)
	if r.chunk.Ptr == nil {
		if message := mapping.ResultError(&r.result); message != "" {
			r.err = r.statement.cause(newSQLError(message))
		}
		return false
	}
	r.size = int(mapping.DataChunkGetSize(r.chunk))
	r.texts = r.texts[:0]
	for i := range r.columns {
		v := mapping.DataChunkGetVector(r.chunk, mapping.IdxT(i))
		r.texts = append(r.texts, textColumn{
			strings: (*duckString)(mapping.VectorGetData(v)),
			valid:   (*uint64)(mapping.VectorGetValidity(v)),
		})
	}
	return true
}

// Err returns the reason why there was no next row; nil means the end of the result.
func (r *Rows) Err() error { return r.err }

// Result returns DuckDB's handle, for code that converts whole chunks.
func (r *Rows) Result() *mapping.Result { return &r.result }

// Chunk returns the chunk of the current row and the number of its rows.
func (r *Rows) Chunk() (mapping.DataChunk, int) { return r.chunk, r.size }

// Text returns column i of the current row, which must be a VARCHAR; ok is false for NULL. The text is valid until
// Next.
func (r *Rows) Text(i int) (text []byte, ok bool) { return r.texts[i].at(r.row) }

// textColumn is a VARCHAR column of a chunk.
type textColumn struct {
	strings *duckString
	valid   *uint64 // one bit per row; nil if all rows are valid
}

// duckString is DuckDB's duckdb_string_t: a short text is inline, a long one is elsewhere.
type duckString struct {
	length uint32
	inline [12]byte // for a long text: its first 4 bytes and its address
}

func (c textColumn) at(row int) (text []byte, ok bool) {
	if c.valid != nil && unsafe.Slice(c.valid, row/64+1)[row/64]>>(row%64)&1 == 0 { //nolint:gosec // duckdb.h: a bit a row
		return nil, false
	}
	s := &unsafe.Slice(c.strings, row+1)[row] //nolint:gosec // duckdb.h: a string a row
	if int(s.length) <= len(s.inline) {
		return s.inline[:s.length], true
	}
	far := *(**byte)(unsafe.Pointer(&s.inline[4])) //nolint:gosec // duckdb.h: the address after the first bytes
	return unsafe.Slice(far, s.length), true       //nolint:gosec // duckdb.h: of so many bytes
}
