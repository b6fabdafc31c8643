package storage

// #include "feed.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime/cgo"

	"github.com/duckdb/duckdb-go/v2"
)

// registerFunctions registers mixduck_feed, mixduck_keyed, and the functions for promoted columns, with an instance.
func registerFunctions(inst *instance) error {
	if n := duckdb.GetDataChunkCapacity(); n != chunkRows {
		return fmt.Errorf("DuckDB takes %d rows at a time, not %d: this build is for another version", n, chunkRows)
	}
	var s Session
	defer s.Close()
	err := s.connect(inst)
	if err != nil {
		return err
	}
	if C.feed_register(s.conn.Ptr) != 0 || C.keyed_register(s.conn.Ptr) != 0 {
		return errors.New("DuckDB rejected a table function")
	}
	return registerValues(&s)
}

// feedThread is called when one of DuckDB's threads starts to take rows. Handles are cgo handles.
//
//export feedThread
func feedThread(feedHandle C.uintptr_t) C.uintptr_t {
	f, ok := cgo.Handle(feedHandle).Value().(*feed)
	if !ok {
		return 0
	}
	return C.uintptr_t(cgo.NewHandle(newReader(f)))
}

// feedThreadEnd is called when a thread has taken its last row.
//
//export feedThreadEnd
func feedThreadEnd(thread C.uintptr_t) { cgo.Handle(thread).Delete() }

// feedFill fills a chunk and returns the number of its rows: 0 at the end, -1 if the feed has failed.
//
//export feedFill
func feedFill(thread C.uintptr_t, to *C.feed_chunk) C.int64_t {
	r, ok := cgo.Handle(thread).Value().(*reader)
	if !ok {
		return -1
	}
	if err := r.fill(to); err != nil {
		r.feed.fail(err)
		return -1
	}
	return C.int64_t(r.chunk.rows)
}
