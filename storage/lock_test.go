package storage_test

import (
	"context"
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

// wantLocked fails the test unless err is a lock error that names pid and, in its command, text.
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
		wantLocked(t, err, writer.cmd.Process.Pid, path)
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
	// Who reads is not known, and least of all is it the writer that was there before.
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
		wantLocked(t, err, stranger.cmd.Process.Pid, path)
	}
	stranger.stop(t)
	open(t, storage.Config{Path: path})
}

// A killed process leaves nothing that could lock anyone out.
func TestKilledHolder(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	writer := startChild(t, "writer", path)
	writer.expect(t, "ready")
	writer.kill()
	reader := open(t, storage.Config{Path: path, ReadOnly: true})
	_, err := storage.Open(t.Context(), storage.Config{Path: path})
	wantLocked(t, err, 0, "") // what the killed process wrote into the lock file names nobody
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

// However many goroutines open a file at the same moment, all of them get it, without waiting for other processes.
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

// Readers that keep coming do not starve a writer.
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

func TestSidecarFiles(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	for _, name := range []string{path + ".lock", path + ".turn"} {
		info, err := os.Stat(name)
		if err != nil || info.Size() != 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want it to be there, empty and private", filepath.Base(name), info, err)
		}
	}
}
