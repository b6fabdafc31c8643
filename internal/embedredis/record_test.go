package embedredis

import (
	"bufio"
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func FuzzReplay(f *testing.F) {
	f.Add([]byte(journalHeader))
	f.Add(append([]byte(journalHeader), record{now: 1, commands: [][]string{{"SET", "a", "1"}}}.frame()...))
	f.Add(append([]byte(snapshotHeader), 1, 2, 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := newEngine()
		if err != nil {
			t.Fatal(err)
		}
		defer e.redis.Close()
		_, _ = decodeRecord(data)
		_, _ = readCommand(bufio.NewReader(bytes.NewReader(data)))
		if err := e.restore(data); err == nil {
			return
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
