package embedredis

import (
	"bufio"
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecoding looks for bytes that make a reader panic or use up the memory.
func FuzzDecoding(f *testing.F) {
	f.Add([]byte("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"))
	f.Add(record{now: 1, commands: [][]string{{"SET", "a", "1"}}}.frame()[frameBytes:])
	for _, kind := range []byte{entryClock, entryScript, entryString, entryHash, entryList, entrySet, entryZSet, entryEnd} {
		f.Add(append([]byte{kind}, 1, 'k', 0, 1, 1, 'v'))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := newEngine()
		if err != nil {
			t.Fatal(err)
		}
		defer e.redis.Close()
		_, _ = readCommand(bufio.NewReader(bytes.NewReader(data)))
		_, _ = decodeRecord(data)
		framed := appendFrame([]byte(snapshotHeader), func(b []byte) []byte { return append(b, data...) })
		if err := e.restore(framed); err == nil && data[0] != entryEnd {
			t.Errorf("a snapshot without an end is taken")
		}
	})
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	want := record{now: time.Now().UnixNano(), clock: time.Now().Add(time.Hour).UnixNano(), aged: 7, commands: [][]string{{"SET", "", "\x00"}, {"DEL"}}}
	payload, rest, ok := nextFrame(want.frame(), maxPayloadBytes)
	got, err := decodeRecord(payload)
	if !ok || len(rest) > 0 || err != nil {
		t.Fatalf("%v, %q, %v", ok, rest, err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{})); diff != "" {
		t.Error(diff)
	}
}
