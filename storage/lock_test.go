package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// wantLocked fails the test unless err is a lock error with pid and, in its command, text.
func wantLocked(tb testing.TB, err error, pid int, text string) {
	tb.Helper()
	locked, ok := errors.AsType[*storage.LockedError](err)
	if !ok || !errors.Is(err, storage.ErrLocked) || fault.CodeOf(err) != fault.CodeLocked || fault.HintOf(err) == "" {
		tb.Fatalf("error = %v, want a *LockedError with a hint", err)
	}
	if locked.PID != pid || !strings.Contains(locked.Command, text) {
		tb.Fatalf("error = %v, want PID %d and a command with %q", err, pid, text)
	}
}

func TestWriterExcludesOtherProcesses(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	writer := startChild(t, "writer", path)
	writer.expect(t, "ready")
	for _, readOnly := range []bool{false, true} {
		_, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: readOnly})
		wantLocked(t, err, writer.cmd.Process.Pid, "storage.test")
		if strings.Contains(strings.ReplaceAll(err.Error(), path+",", ""), path) {
			t.Errorf("error = %v, want none of the other process's arguments in it", err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errBroken)
	if _, err := storage.Open(ctx, storage.Config{Path: path, LockWait: time.Minute}); !errors.Is(err, errBroken) {
		t.Errorf("error = %v, want the cause of the context", err)
	}
	writer.stop(t)
	open(t, storage.Config{Path: path})
}

func TestReadersShareAndExcludeWriters(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	reader := startChild(t, "reader", path)
	reader.expect(t, "ready")
	mine := open(t, storage.Config{Path: path, ReadOnly: true})
	startChild(t, "reader", path).expect(t, "ready")
	// Readers are unknown. In particular, the previous writer is not named.
	_, err := storage.Open(t.Context(), storage.Config{Path: path})
	wantLocked(t, err, 0, "")
	if !strings.Contains(err.Error(), path) {
		t.Errorf("error = %v, want the path in it", err)
	}
	closeEngine(t, mine)
}

func TestOpenWaitsForTheLock(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"for a minute": time.Minute, "without end": -1} {
		for _, role := range []string{"writer", "stranger"} {
			t.Run(role+" "+name, func(t *testing.T) {
				t.Parallel()
				e, path := newFile(t)
				closeEngine(t, e)
				other := startChild(t, role, path)
				other.expect(t, "ready")
				opened := make(chan error, 1)
				go func() {
					e, err := storage.Open(t.Context(), storage.Config{Path: path, LockWait: wait})
					if err == nil {
						err = e.Close()
					}
					opened <- err
				}()
				select {
				case err := <-opened:
					t.Fatalf("Open did not wait: %v", err)
				case <-time.After(100 * time.Millisecond):
				}
				other.stop(t)
				if err := <-opened; err != nil {
					t.Errorf("Open = %v after the other process had let go", err)
				}
			})
		}
	}
}

func TestWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"writer", "stranger"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			closeEngine(t, e)
			startChild(t, role, path).expect(t, "ready")
			ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errBroken)
			defer cancel()
			if _, err := storage.Open(ctx, storage.Config{Path: path, LockWait: -1}); !errors.Is(err, errBroken) {
				t.Errorf("error = %v, want the cause of the context", err)
			}
		})
	}
}

func TestStrangerWithDuckDBsOwnLock(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	stranger := startChild(t, "stranger", path)
	stranger.expect(t, "ready")
	for _, readOnly := range []bool{false, true} {
		_, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: readOnly})
		wantLocked(t, err, stranger.cmd.Process.Pid, "storage.test")
	}
	stranger.stop(t)
	open(t, storage.Config{Path: path})
}

// A killed process leaves nothing that locks others out.
func TestKilledHolder(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	writer := startChild(t, "writer", path)
	writer.expect(t, "ready")
	writer.kill()
	reader := open(t, storage.Config{Path: path, ReadOnly: true})
	_, err := storage.Open(t.Context(), storage.Config{Path: path})
	wantLocked(t, err, 0, "") // the lock file of the killed process names nobody
	closeEngine(t, reader)
	open(t, storage.Config{Path: path})
}

func TestReaderAndWriterInOneProcess(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	began := time.Now()
	_, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: true, LockWait: 50 * time.Millisecond})
	wantLocked(t, err, os.Getpid(), "")
	closeEngine(t, e)
	open(t, storage.Config{Path: path, ReadOnly: true})
	_, err = storage.Open(t.Context(), storage.Config{Path: path, LockWait: 50 * time.Millisecond})
	wantLocked(t, err, 0, "")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("two refusals took %s", took)
	}
}

// If any number of goroutines open a file at the same moment, all succeed, without waiting for other processes.
func TestOpenAtTheSameMoment(t *testing.T) {
	t.Parallel()
	for name, readOnly := range map[string]bool{"to read": true, "to write": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			closeEngine(t, e)
			for range 5 {
				var group sync.WaitGroup
				for range 8 {
					group.Go(func() {
						e, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: readOnly, LockWait: time.Second})
						if err != nil {
							t.Error(err)
							return
						}
						if _, err := e.Coverage(t.Context(), "events", span(0, 1)); err != nil {
							t.Error(err)
						}
						if err := e.Close(); err != nil {
							t.Error(err)
						}
					})
				}
				group.Wait()
			}
			other := startChild(t, "writer", path)
			other.expect(t, "ready") // nothing is left locked
		})
	}
}

// A constant stream of readers does not starve a writer.
func TestTurnstile(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	readers := []*child{startChild(t, "readers", path), startChild(t, "readers", path)}
	for _, r := range readers {
		r.expect(t, "ready")
	}
	for range 3 {
		e, err := storage.Open(t.Context(), storage.Config{Path: path, LockWait: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		closeEngine(t, e)
	}
	for _, r := range readers {
		if said := r.stop(t); said != "" {
			t.Errorf("readers: %s", said)
		}
	}
}

func TestSidecarFilesHaveTheRightsOfTheDatabase(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	for _, mode := range []os.FileMode{0o600, 0o640, 0o664} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		closeEngine(t, open(t, storage.Config{Path: path}))
		for _, name := range []string{path + ".lock", path + ".turn"} {
			info, err := os.Stat(name)
			if err != nil || info.Size() != 0 || info.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v; want it to be there, empty and with mode %v", filepath.Base(name), info, err, mode)
			}
		}
	}
}

// Anyone who may read the file can read the database, even if that user can create no file and open none of Mixduck's.
func TestReadWithoutTheRightToWrite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(tb testing.TB, path string)
	}{
		{"a directory without lock files", func(tb testing.TB, path string) {
			tb.Helper()
			for _, suffix := range []string{".lock", ".turn"} {
				if err := os.Remove(path + suffix); err != nil {
					tb.Fatal(err)
				}
			}
		}},
		{"lock files that can be read", func(testing.TB, string) {}},
		{"a log that is not yet in the file", func(tb testing.TB, path string) {
			tb.Helper()
			db, err := sql.Open("duckdb", path)
			if err != nil {
				tb.Fatal(err)
			}
			for _, statement := range []string{"PRAGMA disable_checkpoint_on_shutdown", "CREATE TABLE logged AS SELECT 42 AS x"} {
				if _, err := db.ExecContext(tb.Context(), statement); err != nil {
					tb.Fatal(err)
				}
			}
			db.Close()
			if info, err := os.Stat(path + ".wal"); err != nil || info.Size() == 0 {
				tb.Fatalf("there is no log: %v", err)
			}
		}},
		{"lock files of another user", func(tb testing.TB, path string) {
			tb.Helper()
			for _, suffix := range []string{".lock", ".turn"} {
				if err := os.Chmod(path+suffix, 0); err != nil {
					tb.Fatal(err)
				}
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := visibleFile(t)
			tt.prepare(t, path)
			if err := os.Chmod(filepath.Dir(path), 0o555); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(filepath.Dir(path), 0o700) })
			startChild(t, unprivilegedPrefix+"reader", path).expect(t, "ready")
		})
	}
}

// DuckDB's own lock separates a reader without a sidecar file and a writer.
func TestReaderWithoutSidecarFileMeetsAWriter(t *testing.T) {
	t.Parallel()
	path := visibleFile(t)
	writer := startChild(t, "stranger", path)
	writer.expect(t, "ready")
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(path), 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Dir(path), 0o700) })
	reader := startChild(t, unprivilegedPrefix+"reader", path)
	if reader.lines.Scan(); !strings.HasPrefix(reader.lines.Text(), "error: database locked") {
		t.Errorf("the reader says %q, want that the database is locked", reader.lines.Text())
	}
}

// visibleFile returns a database that every user of the machine can read.
func visibleFile(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "visible-*") //nolint:usetesting // others cannot look into TempDir
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "x.db")
	closeEngine(tb, open(tb, storage.Config{Path: path}))
	for name, mode := range map[string]os.FileMode{dir: 0o755, path: 0o644} {
		if err := os.Chmod(name, mode); err != nil {
			tb.Fatal(err)
		}
	}
	return path
}
