package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/filelock"
	"mixduck/internal/filesystem"
)

// fileLock is a hold on the sidecar files of a database: x.db.lock, exclusive to write and shared to read, and
// x.db.turn, the turnstile that everyone holds while waiting for the first, in the same way. So a writer who waits keeps
// later readers back, who else would starve him, and readers who wait keep a second writer back: they wait for one. The
// database file itself is never touched: closing any descriptor of it would drop DuckDB's own lock.
//
// flock belongs to the open file, so the lock also works between two holds of one process, and ends with the process.
type fileLock struct {
	f      *os.File
	signed bool
}

// holder is what a writer leaves in the lock file, for those who wait.
type holder struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`
}

// lockPoll is how often a waiting process looks again: flock cannot be waited for under a context.
const lockPoll = 5 * time.Millisecond

// lockFile takes the lock on the database at path. It returns a *[LockedError] once wait is over (see
// [Config.LockWait]), and the context's error if that ends first.
func lockFile(ctx context.Context, path string, exclusive bool, wait time.Duration) (*fileLock, error) {
	if err := refuseRemote(path); err != nil && exclusive {
		return nil, err
	}
	waitCtx, cancel := ctx, context.CancelFunc(func() {})
	if wait >= 0 {
		waitCtx, cancel = context.WithTimeout(ctx, wait)
	}
	defer cancel()

	turn, err := openLock(path + ".turn")
	if err != nil {
		return nil, err
	}
	defer func() { _ = filelock.Unlock(turn) }()
	if err := flock(waitCtx, turn, exclusive); err != nil {
		return nil, lockError(ctx, path, err)
	}
	f, err := openLock(path + ".lock")
	if err != nil {
		return nil, err
	}
	if err := flock(waitCtx, f, exclusive); err != nil {
		err = lockError(ctx, path, err)
		f.Close()
		return nil, err
	}
	l := &fileLock{f: f}
	if exclusive {
		l.sign()
	}
	return l, nil
}

// unlock gives the lock up; the files stay, since removing them would race with those who wait.
func (l *fileLock) unlock() {
	if l == nil {
		return
	}
	if l.signed {
		_ = l.f.Truncate(0) // else it would name us to those who wait for the next one
	}
	_ = filelock.Unlock(l.f)
}

// sign writes who holds the lock. It only serves messages, so that it may fail.
func (l *fileLock) sign() {
	exe, _ := os.Executable()
	b, err := json.Marshal(holder{PID: os.Getpid(), Command: exe})
	if err == nil && l.f.Truncate(0) == nil {
		_, _ = l.f.WriteAt(b, 0)
		l.signed = true
	}
}

// openLock opens or creates a sidecar file. A reader of a read-only directory locks a file that is there already.
func openLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS) {
		if ro, roErr := os.Open(name); roErr == nil {
			return ro, nil
		}
	}
	return f, err
}

// flock takes the lock or returns the context's error; a context that is over still allows one try.
func flock(ctx context.Context, f *os.File, exclusive bool) error {
	for {
		err := filelock.Try(f, exclusive)
		if !errors.Is(err, filelock.ErrHeld) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

// lockError turns the end of the wait into a *[LockedError], but the end of the caller's context into its error.
func lockError(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	locked := &LockedError{Path: path}
	var h holder
	if b, err := os.ReadFile(path + ".lock"); err == nil && json.Unmarshal(b, &h) == nil && alive(h.PID) {
		locked.PID, locked.Command = h.PID, commandOf(h.PID, h.Command)
	}
	return locked
}

func alive(pid int) bool { return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// commandOf returns the command line of a process, or fallback.
func commandOf(pid int, fallback string) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(b) == 0 {
		return fallback
	}
	return strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
}

// refuseRemote returns an error if the directory of path lies on a network file system: locks do not work there
// reliably, and two writers would ruin the file.
func refuseRemote(path string) error {
	dir := path[:strings.LastIndexByte(path, '/')+1]
	if dir == "" {
		dir = "."
	}
	if filesystem.Remote(dir) {
		return fault.New(fault.CodeUsage, "keep databases on a local disk; --data-dir says where",
			"%s lies on a network file system, where files cannot be locked", dir)
	}
	return nil
}
