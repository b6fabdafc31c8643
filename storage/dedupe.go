package storage

import (
	"encoding/binary"
	"sync"

	"github.com/zeebo/xxh3"

	"mixduck/internal/eventline"
)

// verdict is what the rows seen before say of one more.
type verdict int

const (
	fresh     verdict = iota // no row of its key yet
	duplicate                // one at least as new is there
	newer                    // it takes the place of one that is there
)

// seen remembers the rows of a window by their key: event, distinct_id, time and $insert_id, as Mixpanel's documentation
// of deduplication has it, or the whole event where it has no $insert_id: its content, however it is written. Keys are kept as 128-bit hashes, about 45 bytes
// a row in all. Safe for concurrent use.
type seen struct{ shards [seenShards]seenShard }

const seenShards = 64

type seenShard struct {
	mu   sync.Mutex
	rows map[xxh3.Uint128]seenRow
}

type seenRow struct {
	processedMS int64
	content     uint64 // hash of the properties
}

// newSeen makes room for about that many rows.
func newSeen(rows int64) *seen {
	s := &seen{}
	for i := range s.shards {
		s.shards[i].rows = make(map[xxh3.Uint128]seenRow, rows/seenShards)
	}
	return s
}

// add judges e and remembers it. Of rows with one key the newest by processing time counts; among those of the same
// time but other properties the database decides, so that the order of arrival never does.
func (s *seen) add(e *eventline.Event, scratch *[]byte) verdict {
	*scratch = appendKey((*scratch)[:0], e)
	key := xxh3.Hash128(*scratch)
	row := seenRow{e.ProcessedMS, whole}
	if len(e.InsertID) > 0 {
		row.content = xxh3.Hash(e.Properties)
	}
	shard := &s.shards[key.Lo%seenShards]
	shard.mu.Lock()
	v := shard.judge(key, row)
	shard.mu.Unlock()
	return v
}

func (s *seenShard) judge(key xxh3.Uint128, row seenRow) verdict {
	old, known := s.rows[key]
	switch {
	case !known:
		s.rows[key] = row
		return fresh
	case row.processedMS < old.processedMS, row == old, old.content == keep:
		return duplicate
	case row.processedMS > old.processedMS:
		s.rows[key] = row
	}
	return newer
}

const (
	keep  = 0 // the content of rows that were stored before the load and are never replaced by it
	whole = 1 // that of rows whose key is all of their content
)

// addStored remembers a row that the table already holds.
func (s *seen) addStored(e *eventline.Event, scratch *[]byte) {
	*scratch = appendKey((*scratch)[:0], e)
	key := xxh3.Hash128(*scratch)
	s.shards[key.Lo%seenShards].rows[key] = seenRow{e.ProcessedMS, keep}
}

// appendKey writes what identifies e, unambiguously.
func appendKey(b []byte, e *eventline.Event) []byte {
	field := func(v []byte) {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	field(e.Name)
	if len(e.InsertID) == 0 {
		return eventline.AppendCanonical(b, e.Properties)
	}
	field(e.DistinctID)
	field(e.InsertID)
	return binary.LittleEndian.AppendUint64(b, uint64(e.TimeMicros))
}
