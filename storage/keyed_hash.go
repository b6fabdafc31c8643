package storage

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"mixduck/internal/jsonscan"
)

// ContentHasher computes the hashes that the column content_hash stores. It must not be used concurrently.
type ContentHasher struct {
	columns []KeyedColumn
	scratch []byte
}

// NewContentHasher returns a hasher for rows with these columns.
func NewContentHasher(columns []KeyedColumn) *ContentHasher { return &ContentHasher{columns: columns} }

// Hash returns the hash of all values of a row except its key. Values are as in [KeyedRow]. known are hashes that
// [jsonscan.ContentHash] returns for JSON values, from the first one on.
func (h *ContentHasher) Hash(values [][]byte, known ...uint64) int64 {
	h.scratch = h.scratch[:0]
	for i, c := range h.columns {
		switch v := values[i]; {
		case c.Key:
			continue
		case v == nil:
			h.scratch = append(h.scratch, 'n')
		case c.Type == "JSON":
			h.scratch = append(h.scratch, 'j')
			if len(known) > 0 {
				h.scratch, known = binary.LittleEndian.AppendUint64(h.scratch, known[0]), known[1:]
			} else {
				h.scratch = binary.LittleEndian.AppendUint64(h.scratch, jsonscan.ContentHash(v))
			}
		default:
			h.scratch = append(append(h.scratch, 't'), v...)
		}
		h.scratch = append(h.scratch, 0)
	}
	return int64(xxh3.Hash(h.scratch))
}
