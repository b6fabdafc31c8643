package storage

import (
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Rows are the rows of a statement as DuckDB makes them: a few thousand at a time are in memory.
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

// Close ends the statement, if it still runs.
func (r *Rows) Close() {
	mapping.DestroyDataChunk(&r.chunk)
	mapping.DestroyResult(&r.result)
}

// Next moves to the next row, of which there may be none: then Err says why.
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

// Err returns why there was no next row, nil at the proper end.
func (r *Rows) Err() error { return r.err }

// Result and Chunk are DuckDB's own handles, for code that turns whole chunks into something else.
func (r *Rows) Result() *mapping.Result { return &r.result }

// Chunk returns the chunk of the current row and the number of its rows.
func (r *Rows) Chunk() (mapping.DataChunk, int) { return r.chunk, r.size }

// Text returns the i-th column of the current row, which must be a VARCHAR; ok is false for NULL. The text is valid until
// Next.
func (r *Rows) Text(i int) (text []byte, ok bool) { return r.texts[i].at(r.row) }

// textColumn is a VARCHAR column of a chunk.
type textColumn struct {
	strings *duckString
	valid   *uint64 // a bit a row; nil where all rows are valid
}

// duckString is DuckDB's duckdb_string_t: a short text lies within it, a long one elsewhere.
type duckString struct {
	length uint32
	inline [12]byte // of a long text: the first 4 bytes, and where it lies
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
