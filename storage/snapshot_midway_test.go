package storage_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"mixduck/internal/mounttest"
	"mixduck/storage"
)

// newLargeFile makes a database of about 50 MB, which takes a moment to copy.
func newLargeFile(tb testing.TB) (path string) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "x.db")
	write(tb, path, "CREATE TABLE big AS SELECT uuid() AS id FROM range(3000000)")
	return path
}

// write runs a statement in a database, as another program would.
func write(tb testing.TB, path, statement string) {
	tb.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(tb.Context(), statement); err != nil {
		tb.Fatal(err)
	}
}

// stopWhen starts a process that makes a snapshot, and stops it as soon as ready reports true, until the returned child
// gets SIGCONT. A process that was faster is followed by another one.
func stopWhen(tb testing.TB, path string, ready func(copied string) bool) *child {
	tb.Helper()
	copied := filepath.Join(filepath.Dir(snapshotOf(path)), "."+filepath.Base(path)+".copying")
	for range 50 {
		c := startChild(tb, "snapshot", path)
		for !ready(copied) && state(tb, c.cmd.Process.Pid) != ended {
			runtime.Gosched()
		}
		if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			tb.Fatal(err)
		}
		now := state(tb, c.cmd.Process.Pid)
		for ; now != stopped && now != ended; now = state(tb, c.cmd.Process.Pid) {
			runtime.Gosched()
		}
		if now == stopped && ready(copied) {
			return c
		}
		_ = c.cmd.Process.Signal(syscall.SIGCONT)
		c.rest()
		touch(tb, path)
	}
	tb.Fatal("each snapshot was too fast")
	return nil
}

// The states of a process in /proc/PID/stat.
const (
	stopped = 'T'
	ended   = 'Z' // and nobody has waited for it
)

func state(tb testing.TB, pid int) byte {
	tb.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		tb.Skipf("NOT TESTED: the state of processes is in /proc on Linux only: %v", err)
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return after[0]
}

// touch marks a file as changed.
func touch(tb testing.TB, path string) {
	tb.Helper()
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		tb.Fatal(err)
	}
}

// begun reports whether a part of the copy is there, but not all of it.
func begun(path string) func(string) bool {
	return func(copied string) bool {
		whole, err := os.Stat(path)
		part, partErr := os.Stat(copied)
		return err == nil && partErr == nil && part.Size() > 0 && part.Size() < whole.Size()
	}
}

// If the disk fills up while the file is copied, or when the copy is completed, the old snapshot stays, and nothing else.
func TestDiskThatFillsUpDuringASnapshot(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		ready func(path string) func(copied string) bool
	}{
		{"while it copies", begun},
		{"when it writes to the copy", func(path string) func(string) bool {
			return func(copied string) bool {
				whole, err := os.Stat(path)
				part, partErr := os.Stat(copied)
				_, logErr := os.Stat(copied + ".wal")
				return err == nil && partErr == nil && part.Size() == whole.Size() && logErr != nil
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := newLargeFile(t)
			read := filepath.Dir(snapshotOf(path))
			if err := os.Mkdir(read, 0o700); err != nil {
				t.Fatal(err)
			}
			mounttest.Small(t, read, "300m")
			s, _ := snapshot(t, path)
			write(t, path, "CREATE TABLE more AS SELECT 1 AS a")
			c := stopWhen(t, path, tt.ready(path))
			had, err := os.ReadFile(s.Path)
			if err != nil {
				t.Fatal(err)
			}
			ballast := fill(t, read, 300<<20)
			if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			if said := c.rest(); !strings.Contains(said, "no room") {
				t.Errorf("the snapshot ended with %q, want that there was no room", said)
			}
			if now, err := os.ReadFile(s.Path); err != nil || !bytes.Equal(now, had) {
				t.Errorf("the old snapshot has changed, %v", err)
			}
			want(t, "files", filesIn(t, read), []string{".x.db.snapshot", "ballast", "x.db"})
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			if _, made := snapshot(t, path); !made {
				t.Error("no snapshot was made when there was room again")
			}
		})
	}
}

// rest returns what the child says until it ends.
func (c *child) rest() string {
	var said strings.Builder
	for c.lines.Scan() {
		said.WriteString(c.lines.Text())
	}
	c.kill()
	return said.String()
}

// While a process copies, another one makes no snapshot of the same database and writers wait. When the file is copied,
// writers need not wait for the rest.
func TestSnapshotHoldsWritersOnlyWhileItCopies(t *testing.T) {
	t.Parallel()
	path := newLargeFile(t)
	snapshot(t, path)
	load := func() error {
		e, err := storage.Open(t.Context(), storage.Config{Path: path})
		if err != nil {
			return err
		}
		return e.Close()
	}
	touch(t, path)
	c := stopWhen(t, path, begun(path))
	if _, _, err := storage.TakeSnapshot(t.Context(), request(path)); !errors.Is(err, storage.ErrSnapshotBusy) {
		t.Errorf("a second snapshot: error = %v, want that another process makes it", err)
	}
	if err := load(); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("a load: error = %v, want that it has to wait", err)
	}
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if said := c.rest(); !strings.HasPrefix(said, "true ") {
		t.Errorf("the snapshot ended with %q", said)
	}

	touch(t, path)
	c = stopWhen(t, path, func(copied string) bool {
		_, err := os.Stat(copied + ".wal") // DuckDB has it open
		return err == nil
	})
	if err := load(); err != nil {
		t.Errorf("a load while the copy is completed: %v", err)
	}
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if said := c.rest(); !strings.HasPrefix(said, "true ") {
		t.Errorf("the snapshot ended with %q", said)
	}
}
