package jobs

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A chunk that was changed, cut, or belongs elsewhere is none.
func TestDamagedChunks(t *testing.T) {
	t.Parallel()
	want := chunk{kind: chunkData, number: 3, size: 1 << 20, body: []byte("some rows")}
	whole := want.encode("stream")
	got, err := decodeChunk("stream", 3, whole)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(chunk{})); err != nil || diff != "" {
		t.Errorf("decodeChunk() = %v (-want +got):\n%s", err, diff)
	}
	for i := range whole {
		changed := append([]byte(nil), whole...)
		changed[i] ^= 0x10
		if _, err := decodeChunk("stream", 3, changed); !errors.Is(err, errTornChunk) {
			t.Errorf("with byte %d changed: %v", i, err)
		}
		if _, err := decodeChunk("stream", 3, whole[:i]); !errors.Is(err, errTornChunk) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := decodeChunk("other", 3, whole); !errors.Is(err, errTornChunk) {
		t.Errorf("of another stream: %v", err)
	}
	if _, err := decodeChunk("stream", 4, whole); !errors.Is(err, errTornChunk) {
		t.Errorf("of another number: %v", err)
	}
}
