package storage

import (
	"math/bits"

	"github.com/zeebo/xxh3"
)

// keyTable is a hash table of rows by the hash of their key. It takes a fraction of the time and half the memory of a map,
// because the keys are hashes already, and the search for a key also finds the place for a new one.
type keyTable struct {
	slots []keySlot
	used  int
}

type keySlot struct {
	key xxh3.Uint128 // zero in an empty slot
	row seenRow
}

const minSlots = 16

// newKeyTable returns a table with room for about this many rows.
func newKeyTable(rows int) keyTable {
	return keyTable{slots: make([]keySlot, max(minSlots, rows+rows/2))}
}

// at returns the row of a key. If the key is new, it adds a zero row. The pointer is valid until the next call.
func (t *keyTable) at(key xxh3.Uint128) (row *seenRow, known bool) {
	if key == (xxh3.Uint128{}) {
		key.Hi = 1 // as likely as any other collision
	}
	if 4*t.used >= 3*len(t.slots) {
		t.grow()
	}
	slot := t.find(key)
	if slot.key == key {
		return &slot.row, true
	}
	slot.key = key
	t.used++
	return &slot.row, false
}

// find returns the slot of a key, or the empty one where it belongs.
func (t *keyTable) find(key xxh3.Uint128) *keySlot {
	n, _ := bits.Mul64(key.Hi, uint64(len(t.slots))) // evenly distributed below the number of slots
	for i := int(n); ; i++ {
		if i == len(t.slots) {
			i = 0
		}
		if slot := &t.slots[i]; slot.key == key || slot.key == (xxh3.Uint128{}) {
			return slot
		}
	}
}

func (t *keyTable) grow() {
	old := t.slots
	t.slots = make([]keySlot, len(old)+len(old)/2)
	for i := range old {
		if old[i].key != (xxh3.Uint128{}) {
			*t.find(old[i].key) = old[i]
		}
	}
}
