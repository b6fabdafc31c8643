package storage_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"mixduck/internal/fault"
	"mixduck/internal/mounttest"
	"mixduck/storage"
)

// fill writes a file of the given size into dir, or as many bytes as there is room for.
func fill(tb testing.TB, dir string, bytes int) (path string) {
	tb.Helper()
	path = filepath.Join(dir, "ballast")
	err := os.WriteFile(path, make([]byte, bytes), 0o600)
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		tb.Fatal(err)
	}
	return path
}

// incompressible returns events whose properties cannot be compressed.
func incompressible(n int, name string) string {
	var b strings.Builder
	seed := uint64(88172645463325252)
	for i := range n {
		var text strings.Builder
		for range 40 {
			seed ^= seed << 13
			seed ^= seed >> 7
			seed ^= seed << 17
			fmt.Fprintf(&text, "%x", seed)
		}
		b.WriteString(event(first, i, fmt.Sprintf("%s-%d", name, i), `,"x":"`+text.String()+`"`))
	}
	return b.String()
}

// On a full disk a load fails with the right error, the stored data stays, and everything works once there is space.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	tooMuch := incompressible(20_000, "new")
	for _, free := range []int{0, 100 << 10, 1 << 20, 2 << 20, 4 << 20} { // bytes left for the load
		t.Run(strconv.Itoa(free), func(t *testing.T) {
			t.Parallel()
			const size = 24 << 20
			dir := t.TempDir()
			mounttest.Small(t, dir, strconv.Itoa(size))
			path := filepath.Join(dir, "x.db")
			e := open(t, storage.Config{Path: path})
			prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-0"})
			load(t, e, window(span(0, 1), incompressible(2000, "old")))
			closeEngine(t, e)
			ballast := fill(t, dir, size)
			if err := os.Truncate(ballast, fileSize(t, ballast)-int64(free)); err != nil {
				t.Fatal(err)
			}

			e, err := storage.Open(t.Context(), storage.Config{Path: path, LockWait: lockWait})
			if err == nil {
				w := window(span(0, 1), tooMuch)
				w.Job = "job-2"
				_, err = e.Load(t.Context(), w)
				if err == nil {
					t.Error("the load succeeded")
				}
				if closeErr := e.Close(); closeErr != nil {
					t.Logf("Close = %v", closeErr)
				}
			}
			if !errors.Is(err, syscall.ENOSPC) || fault.HintOf(err) == "" {
				t.Errorf("error = %v, want %v with a hint", err, syscall.ENOSPC)
			}
			want(t, "rows meanwhile", query(t, path, "SELECT insert_id[:3], count(*) FROM events GROUP BY 1"), []string{"old|2000"})

			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			e = open(t, storage.Config{Path: path})
			w := window(span(0, 1), incompressible(2500, "new"))
			w.Job = "job-3"
			load(t, e, w)
			closeEngine(t, e)
			want(t, "rows", query(t, path, "SELECT insert_id[:3], count(*) FROM events GROUP BY 1"), []string{"new|2500"})
			want(t, "receipts", query(t, path, "SELECT job_id FROM mixduck.receipts ORDER BY 1"), []string{"job-1", "job-3"})
		})
	}
}

func fileSize(tb testing.TB, path string) int64 {
	tb.Helper()
	info, err := os.Stat(path)
	if err != nil {
		tb.Fatal(err)
	}
	return info.Size()
}

// A database that could not be created for lack of space can be created later.
func TestFullDiskForANewDatabase(t *testing.T) {
	t.Parallel()
	for _, free := range []int{0, 4 << 10, 12 << 10, 16 << 10, 100 << 10, 300 << 10} {
		t.Run(strconv.Itoa(free), func(t *testing.T) {
			t.Parallel()
			const size = 4 << 20
			dir := t.TempDir()
			mounttest.Small(t, dir, strconv.Itoa(size))
			ballast := fill(t, dir, size)
			if err := os.Truncate(ballast, fileSize(t, ballast)-int64(free)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "x.db")
			if e, err := storage.Open(t.Context(), storage.Config{Path: path, LockWait: lockWait}); err == nil {
				closeEngine(t, e)
			} else if !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("error = %v, want %v", err, syscall.ENOSPC)
			}
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			e := open(t, storage.Config{Path: path})
			prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-0"})
			load(t, e, window(span(0, 1), events(first, 10, "a")))
		})
	}
}
