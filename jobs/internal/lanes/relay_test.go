package lanes

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A chunk that was changed or cut, or that belongs elsewhere, is rejected.
func TestDamagedChunks(t *testing.T) {
	t.Parallel()
	want := Chunk{Kind: ChunkData, Number: 3, Size: 1 << 20, Body: []byte("some rows")}
	whole := want.Encode("stream")
	got, err := DecodeChunk("stream", 3, whole)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Chunk{})); err != nil || diff != "" {
		t.Errorf("decodeChunk() = %v (-want +got):\n%s", err, diff)
	}
	for i := range whole {
		changed := append([]byte(nil), whole...)
		changed[i] ^= 0x10
		if _, err := DecodeChunk("stream", 3, changed); !errors.Is(err, ErrTornChunk) {
			t.Errorf("with byte %d changed: %v", i, err)
		}
		if _, err := DecodeChunk("stream", 3, whole[:i]); !errors.Is(err, ErrTornChunk) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := DecodeChunk("other", 3, whole); !errors.Is(err, ErrTornChunk) {
		t.Errorf("of another stream: %v", err)
	}
	if _, err := DecodeChunk("stream", 4, whole); !errors.Is(err, ErrTornChunk) {
		t.Errorf("of another number: %v", err)
	}
}
