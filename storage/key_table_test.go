package storage

import (
	"testing"

	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"
)

// A keyTable is a map, also when it grows, when keys collide, and for the key zero.
func TestKeyTable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table := newKeyTable(rapid.IntRange(0, 40).Draw(t, "room"))
		want := map[xxh3.Uint128]seenRow{}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			key := xxh3.Uint128{
				Hi: rapid.SampledFrom([]uint64{0, 2, 1 << 63, ^uint64(0)}).Draw(t, "high"),
				Lo: rapid.Uint64Range(0, 60).Draw(t, "low"),
			}
			row, known := table.at(key)
			old, had := want[key]
			if known != had || *row != old {
				t.Fatalf("at(%v) = %v, %t, want %v, %t", key, *row, known, old, had)
			}
			*row = seenRow{processedMS: rapid.Int64().Draw(t, "time")}
			want[key] = *row
		}
		if table.used != len(want) {
			t.Fatalf("%d keys, want %d", table.used, len(want))
		}
	})
}
