package storage

import (
	"encoding/binary"
	"sync"

	"github.com/zeebo/xxh3"

	"mixduck/internal/eventline"
)

// verdict says how a row relates to earlier rows with its key.
type verdict int

const (
	fresh     verdict = iota // no earlier row has its key
	duplicate                // an earlier row is at least as new
	newer                    // it replaces an earlier row
)

// seen remembers the rows of a window by key: event, distinct_id, time and $insert_id, as in Mixpanel's documentation
// of deduplication. Without an $insert_id, the key is the content of the event, regardless of its spelling in JSON.
// Keys are stored as 128-bit hashes, about 50 bytes per row in total. It is safe for concurrent use.
type seen struct{ shards [seenShards]seenShard }

const seenShards = 64

type seenShard struct {
	mu   sync.Mutex
	rows keyTable
}

type seenRow struct {
	processedMS int64
	content     uint64 // hash of the properties
}

// newSeen reserves memory for about this many rows.
func newSeen(rows int64) *seen {
	s := &seen{}
	for i := range s.shards {
		s.shards[i].rows = newKeyTable(int(rows / seenShards))
	}
	return s
}

// add classifies e and remembers it. Among rows with the same key, the one with the newest processing time wins. If
// these times are equal but the properties differ, the database decides, so the result never depends on the order of
// arrival.
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
	old, known := s.rows.at(key)
	switch {
	case !known:
		*old = row
		return fresh
	case row.processedMS < old.processedMS, row == *old, old.content == keep:
		return duplicate
	case row.processedMS > old.processedMS:
		*old = row
	}
	return newer
}

const (
	keep  = 0 // content of stored rows, which this load never replaces
	whole = 1 // content of rows that are identified by all their content
)

// addStored remembers a row that is already in the table.
func (s *seen) addStored(e *eventline.Event, scratch *[]byte) {
	*scratch = appendKey((*scratch)[:0], e)
	key := xxh3.Hash128(*scratch)
	row, _ := s.shards[key.Lo%seenShards].rows.at(key)
	*row = seenRow{e.ProcessedMS, keep}
}

// appendKey appends the unambiguous identity of e.
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
