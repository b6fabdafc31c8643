package flight

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

func TestBuffer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want := make([]byte, 5*maxInMemory)
	for i := range want {
		want[i] = byte(rand.Uint32())
	}
	for name, size := range map[string]int{"in large pieces": maxInMemory + 1, "in small pieces": 32 << 10, "in odd pieces": 99_991} {
		b := newBuffer(dir, &quota{})
		go func() {
			for p := want; len(p) > 0; {
				n, err := b.Write(p[:min(size, len(p))])
				if err != nil {
					b.finish(err)
					return
				}
				p = p[n:]
			}
			b.finish(nil)
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, want) || b.total() != int64(len(want)) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		b.close()
		if _, err := b.Write([]byte("x")); !errors.Is(err, errNoReader) {
			t.Errorf("%s: write after the end: %v", name, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func TestBufferWithoutADisk(t *testing.T) {
	t.Parallel()
	b := newBuffer(t.TempDir()+"/gone", &quota{})
	if _, err := b.Write(make([]byte, maxInMemory)); err != nil {
		t.Errorf("in memory: %v", err)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("on disk: %v", err)
	}
	b.finish(errors.New("broken pipe")) // as the query sees it
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("read: %v, want why the result is incomplete", err)
	}
	b = newBuffer(t.TempDir(), &quota{})
	if _, err := b.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	b.finish(broken)
	b.finish(nil)
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, broken) {
		t.Errorf("what is incomplete can be read: %v", err)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 16, 0, 0, 0, 12, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, b []byte) {
		var m message
		for r := bytes.NewReader(b); ; {
			if err := readMessage(r, &m); err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, errIncomplete) {
					t.Errorf("error = %v", err)
				}
				return
			}
		}
	})
}
