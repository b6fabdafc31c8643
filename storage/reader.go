package storage

// #include "feed.h"
import "C"

import (
	"mixduck/internal/answer"
	"mixduck/internal/eventline"
)

// reader turns blocks of a response into chunks of rows, for one of DuckDB's threads.
type reader struct {
	feed    *feed
	block   *answer.Block
	used    bool // block is used up
	event   eventline.Event
	scratch []byte
	chunk   chunk
	times   *evidence
	census  *eventline.Census
	extra   string // the last unknown key reported to the feed
}

func newReader(f *feed) *reader {
	return &reader{feed: f, used: true, times: f.newEvidence(), census: f.newCensus(), chunk: chunk{promoted: make([]texts, f.promoted)}}
}

// fill fills a chunk with rows from one block. The chunk is empty only at the end of the feed.
func (r *reader) fill(to *C.feed_chunk) error {
	r.chunk.rows = 0
	for r.chunk.rows == 0 {
		if r.used {
			ok, err := r.nextBlock()
			if err != nil || !ok {
				return err
			}
		}
		r.chunk.begin(to, r.block.Text())
		for !r.used && !r.chunk.full() {
			line, ok, err := r.block.Next(r.census, &r.event)
			if err != nil {
				return r.feed.explain(err)
			}
			if r.used = !ok; ok {
				err = r.take(line)
			}
			if err != nil {
				return err
			}
		}
	}
	r.chunk.end()
	r.feed.rows.Add(int64(r.chunk.rows))
	return nil
}

// nextBlock returns the used block and gets another one. ok is false at the end of the feed.
func (r *reader) nextBlock() (ok bool, err error) {
	if r.block != nil {
		r.feed.blocks.Give(r.block)
	}
	r.block, err = r.feed.blocks.Take()
	if err != nil {
		return false, r.feed.explain(err)
	}
	r.used = r.block == nil
	return !r.used, nil
}

// take adds a line as a row, or counts it as something else.
func (r *reader) take(line answer.Line) error {
	f := r.feed
	f.lines.Add(1)
	d, reason := f.judge(line, &r.event)
	if reason != nil {
		return f.setAside(line, d, reason)
	}
	if line.Joined {
		f.joined.Add(1)
	}
	if r.event.Extra != nil {
		f.extra.Add(1)
		if r.extra != string(r.event.Extra) {
			r.extra = string(r.event.Extra)
			f.noteExtra(r.extra)
		}
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
	r.census.Add(int(d.V - f.window.Days.From))
	r.times.add(r.event.TimeMicros, r.event.ProcessedMS)
	return nil
}
