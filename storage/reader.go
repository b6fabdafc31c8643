package storage

// #include "feed.h"
import "C"

import (
	"bytes"

	"mixduck/internal/eventline"
)

// reader turns blocks of lines into chunks of rows, for one of DuckDB's threads.
type reader struct {
	feed    *feed
	block   *block
	rest    []byte // what is left of block
	line    int64  // number of the next line
	event   eventline.Event
	scratch []byte
	chunk   chunk
}

func newReader(f *feed) *reader {
	return &reader{feed: f, chunk: chunk{promoted: make([]texts, f.promoted)}}
}

// fill fills a chunk with rows from one block: with at least one, but at the end of the feed.
func (r *reader) fill(to *C.feed_chunk) error {
	r.chunk.rows = 0
	for r.chunk.rows == 0 {
		if len(r.rest) == 0 {
			ok, err := r.nextBlock()
			if err != nil || !ok {
				return err
			}
		}
		r.chunk.begin(to, r.block.lines)
		for len(r.rest) > 0 && !r.chunk.full() {
			err := r.take(r.nextLine())
			if err != nil {
				return err
			}
		}
	}
	r.chunk.end()
	r.feed.rows.Add(int64(r.chunk.rows))
	return nil
}

// nextBlock gives the block back that is used up and gets another; ok is false at the end of the feed.
func (r *reader) nextBlock() (ok bool, err error) {
	b := r.feed.blocks
	if r.block != nil {
		b.free <- r.block
		r.block = nil
	}
	blk, ok := <-b.full
	if !ok {
		return false, b.err
	}
	r.block, r.rest, r.line = blk, blk.lines, blk.first
	return true, nil
}

// nextLine cuts the next line off, without its end.
func (r *reader) nextLine() []byte {
	end := bytes.IndexByte(r.rest, '\n')
	line := r.rest[:end]
	r.rest = r.rest[end+1:]
	r.line++
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// take makes a row of a line, or counts it as what else it is. A line that is empty is none.
func (r *reader) take(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	f := r.feed
	f.lines.Add(1)
	d, reason := f.judge(line, &r.event)
	if reason != nil {
		return f.setAside(line, r.line-1, d, reason)
	}
	switch f.seen.add(&r.event, &r.scratch) {
	case duplicate:
		f.duplicates.Add(1)
		return nil
	case newer:
		f.override(&r.event)
	case fresh:
	}
	r.chunk.add(&r.event, d.V)
	return nil
}
