package storage

// #include "feed.h"
import "C"

import (
	"unsafe"

	"mixduck/internal/day"
	"mixduck/internal/eventline"
)

// chunkRows is the number of rows that DuckDB takes at a time.
const chunkRows = int(C.FEED_ROWS)

// chunk fills one chunk of mixduck_feed. Its memory is reused for the next chunk.
type chunk struct {
	to   *C.feed_chunk
	rows int

	name, distinctID, insertID, properties texts
	promoted                               []texts
}

// begin starts a new chunk, whose lines are all parts of lines.
func (c *chunk) begin(to *C.feed_chunk, lines []byte) {
	c.to, c.rows = to, 0
	for _, t := range []*texts{&c.name, &c.distinctID, &c.insertID} {
		t.base = t.base[:0]
	}
	c.properties.base = lines
	for i := range c.promoted {
		c.promoted[i].base = lines
	}
}

func (c *chunk) full() bool { return c.rows == chunkRows }

// add adds a row.
func (c *chunk) add(e *eventline.Event, d day.Day) {
	row := c.rows
	c.name.copy(row, e.Name)
	c.distinctID.copy(row, e.DistinctID)
	c.insertID.copy(row, e.InsertID)
	c.properties.point(row, e.Properties)
	unsafe.Slice(c.to.event_us, chunkRows)[row] = C.int64_t(e.TimeMicros)
	unsafe.Slice(c.to.day, chunkRows)[row] = C.int32_t(d)
	unsafe.Slice(c.to.processed_us, chunkRows)[row] = C.int64_t(e.ProcessedMS * 1000)
	if len(e.DistinctID) == 0 {
		setNull(c.to.distinct_id_valid, row)
	}
	if len(e.InsertID) == 0 {
		setNull(c.to.insert_id_valid, row)
	}
	if e.ProcessedMS == 0 {
		setNull(c.to.processed_valid, row)
	}
	for i, v := range e.Values {
		if v == nil {
			v = c.promoted[i].base[:0]
			setNull(c.to.promoted_valid[i], row)
		}
		c.promoted[i].point(row, v)
	}
	c.rows++
}

func setNull(valid *C.uint64_t, row int) {
	unsafe.Slice(valid, chunkRows/64)[row/64] &^= 1 << (row % 64)
}

// end passes the texts to DuckDB.
func (c *chunk) end() {
	if c.rows == 0 {
		return
	}
	c.name.put(c.to.event_name, c.rows)
	c.distinctID.put(c.to.distinct_id, c.rows)
	c.insertID.put(c.to.insert_id, c.rows)
	c.properties.put(c.to.properties, c.rows)
	for i := range c.promoted {
		c.promoted[i].put(c.to.promoted[i], c.rows)
	}
}

// texts records where the values of a column are in base.
type texts struct {
	base         []byte
	from, length [chunkRows]C.uint32_t
}

// copy adds a text to base.
func (t *texts) copy(row int, v []byte) {
	t.from[row], t.length[row] = C.uint32_t(len(t.base)), C.uint32_t(len(v))
	t.base = append(t.base, v...)
}

// point records a text that is a part of base.
func (t *texts) point(row int, v []byte) {
	start, at := unsafe.Pointer(unsafe.SliceData(t.base)), unsafe.Pointer(unsafe.SliceData(v))
	t.from[row], t.length[row] = C.uint32_t(uintptr(at)-uintptr(start)), C.uint32_t(len(v))
}

// put copies the texts into a vector.
func (t *texts) put(vector unsafe.Pointer, rows int) {
	base := (*C.char)(unsafe.Pointer(unsafe.SliceData(t.base)))
	C.feed_put(vector, C.uint64_t(rows), base, &t.from[0], &t.length[0])
}
