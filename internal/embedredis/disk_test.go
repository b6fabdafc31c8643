package embedredis

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/mounttest"
)

// fullDisk is a journal's file on a disk that accepts a limited number of bytes.
type fullDisk struct {
	file

	room        int
	cannotCut   bool
	cannotFlush bool
}

func (f *fullDisk) Write(p []byte) (int, error) {
	if len(p) <= f.room {
		f.room -= len(p)
		return f.file.Write(p)
	}
	n, _ := f.file.Write(p[:f.room])
	f.room -= n
	return n, syscall.ENOSPC
}

func (f *fullDisk) Truncate(size int64) error {
	if f.cannotCut {
		return syscall.EIO
	}
	return f.file.Truncate(size)
}

func (f *fullDisk) Sync() error {
	if f.cannotFlush {
		return syscall.EIO
	}
	return f.file.Sync()
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	for room := range 60 {
		dir := t.TempDir()
		s := mustOpen(t, Config{Dir: dir})
		c := clientOf(t, s)
		push(t, c, "a")
		disk := &fullDisk{file: s.journal.file, room: room}
		s.mu.Lock()
		s.journal.file = disk
		s.mu.Unlock()
		want := []string{"a"}
		for i := range 3 {
			v := fmt.Sprint("value", i)
			err := c.Eval(t.Context(), `redis.pcall("RPUSH", KEYS[1], ARGV[1]); return redis.call("EXPIRE", KEYS[1], 100)`, []string{"list"}, v).Err()
			if err == nil {
				want = append(want, v)
				continue
			}
			if !strings.HasPrefix(err.Error(), "MISCONF") && !strings.Contains(err.Error(), "no space left") || !errors.Is(s.Err(), syscall.ENOSPC) {
				t.Fatalf("on a full disk: %v; Err %v", err, s.Err())
			}
			if _, err := c.TxPipelined(t.Context(), func(p redis.Pipeliner) error { return p.RPush(t.Context(), "list", "x").Err() }); err == nil {
				t.Fatal("a transaction is taken on a full disk")
			}
		}
		if got := c.LRange(t.Context(), "list", 0, -1).Val(); !slices.Equal(got, want) {
			t.Fatalf("in memory %q, acknowledged %q", got, want)
		}
		left := t.TempDir()
		writeFiles(t, left, filesOf(t, dir))
		if got := listIn(t, left); !slices.Equal(got, want) {
			t.Fatalf("on the disk %q, acknowledged %q", got, want)
		}
		s.mu.Lock()
		disk.room = 1 << 20
		s.mu.Unlock()
		s.tick()
		if err := s.Err(); err != nil {
			t.Fatalf("with room again: %v", err)
		}
		push(t, c, "z")
		left = t.TempDir()
		writeFiles(t, left, filesOf(t, dir))
		if got := listIn(t, left); !slices.Equal(got, append(want, "z")) {
			t.Fatalf("after the disk was full: %q, acknowledged %q and z", got, want)
		}
	}
}

func TestJournalThatCannotBeRepairedIsReplaced(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]*fullDisk{
		"half a record stays":         {room: 3, cannotCut: true},
		"the disk loses what it took": {room: 1 << 20, cannotFlush: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustOpen(t, Config{Dir: t.TempDir()})
			c := clientOf(t, s)
			push(t, c, "a")
			s.mu.Lock()
			broken.file = s.journal.file
			s.journal.file = broken
			s.mu.Unlock()
			for ctx := t.Context(); s.Err() == nil; s.sync() {
				_ = c.Set(ctx, "other", "x", 0).Err()
			}
			if err := c.RPush(t.Context(), "list", "b").Err(); err == nil {
				t.Error("a write is taken by a broken journal")
			}
			s.tick()
			push(t, c, "c")
			left := t.TempDir()
			writeFiles(t, left, filesOf(t, s.dir.path))
			if got := listIn(t, left); !slices.Equal(got, []string{"a", "c"}) {
				t.Errorf("list = %q", got)
			}
		})
	}
}

func TestRealDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mounttest.Small(t, dir, "128k")
	config := Config{Dir: filepath.Join(dir, "queue")}
	s := mustOpen(t, config)
	c := clientOf(t, s)
	written, refused := 0, 0
	for range 200 {
		if err := c.RPush(t.Context(), "list", strings.Repeat("x", 1000)).Err(); err == nil {
			written++
			continue
		} else if refused++; !strings.HasPrefix(err.Error(), "MISCONF") {
			t.Fatal(err)
		}
	}
	if written == 0 || refused == 0 || c.LLen(t.Context(), "list").Val() != int64(written) {
		t.Errorf("%d writes taken, %d refused, %d in memory", written, refused, c.LLen(t.Context(), "list").Val())
	}
	mounttest.Resize(t, dir, "2m")
	push(t, c, "last")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := len(listIn(t, config.Dir)); got != written+1 {
		t.Errorf("%d values kept, want %d", got, written+1)
	}
}
