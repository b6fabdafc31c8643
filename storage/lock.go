package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode"

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
	f      *os.File // nil for a reader where there can be no sidecar file
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

	turn, err := openLock(path, ".turn", exclusive)
	if err != nil {
		return nil, err
	}
	defer turn.unlock()
	if err := turn.acquire(waitCtx, exclusive); err != nil {
		return nil, lockError(ctx, path, err)
	}
	l, err := openLock(path, ".lock", exclusive)
	if err != nil {
		return nil, err
	}
	if err := l.acquire(waitCtx, exclusive); err != nil {
		err = lockError(ctx, path, err)
		l.close()
		return nil, err
	}
	if exclusive {
		l.sign()
	}
	return l, nil
}

// unlock releases the lock. The files stay: removing them would race with those who wait.
func (l *fileLock) unlock() {
	if l == nil || l.f == nil {
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

// close closes the file without a word about its lock, which was not taken.
func (l *fileLock) close() {
	if l.f != nil {
		l.f.Close()
	}
}

// acquire waits for the lock. A reader without a sidecar file has nothing to wait for here: DuckDB's own lock on the
// database still keeps readers and writers apart.
func (l *fileLock) acquire(ctx context.Context, exclusive bool) error {
	if l.f == nil {
		return nil
	}
	return flock(ctx, l.f, exclusive)
}

// openLock opens or creates a sidecar file of the database at path. A reader who may neither create nor open it gets a lock
// without a file: the directory or the mount is read-only, or belongs to another user.
func openLock(path, suffix string, exclusive bool) (*fileLock, error) {
	name := path + suffix
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666) //nolint:gosec // less the umask, as DuckDB creates the database
	if err == nil {
		copyRights(f, path)
		return &fileLock{f: f}, nil
	}
	if !denied(err) {
		return nil, err
	}
	if f, openErr := os.Open(name); openErr == nil { // a descriptor for reading is enough for flock
		return &fileLock{f: f}, nil
	}
	if exclusive {
		return nil, fault.New(fault.CodeFailed, "run this as the owner of the database, or give this user write permission for "+filepath.Dir(path),
			"cannot write to %s: cannot create its lock file: %w", path, err)
	}
	return &fileLock{}, nil
}

// denied reports whether a file cannot be created here, though the directory can be read.
func denied(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// copyRights gives a sidecar file the permissions and the owner of the database, so whoever may read the database may also
// lock it. Only the owner of the sidecar file can, and without a database it changes nothing.
func copyRights(f *os.File, path string) {
	want, err := os.Stat(path)
	if err != nil {
		return
	}
	have, err := f.Stat()
	if err != nil {
		return
	}
	wantOwner, ok := want.Sys().(*syscall.Stat_t)
	haveOwner, same := have.Sys().(*syscall.Stat_t)
	if ok && same && (wantOwner.Uid != haveOwner.Uid || wantOwner.Gid != haveOwner.Gid) {
		if f.Chown(int(wantOwner.Uid), int(wantOwner.Gid)) != nil { // only root can change the owner
			_ = f.Chown(-1, int(wantOwner.Gid))
		}
	}
	if mode := want.Mode().Perm() &^ 0o111; have.Mode().Perm() != mode {
		_ = f.Chmod(mode)
	}
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

// commandOf returns the name of the program that a process runs, or that of fallback. Arguments stay out of it: they can
// hold secrets.
func commandOf(pid int, fallback string) string {
	program := filepath.Base(fallback)
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
		program = strings.TrimSuffix(string(b), "\n")
	}
	program = strings.Map(func(r rune) rune { // a process can name itself as it likes
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, program)
	if program == "." {
		return ""
	}
	return program
}

// refuseRemote returns an error if the directory of path lies on a network file system: locks do not work there
// reliably, and two writers would ruin the file.
func refuseRemote(path string) error {
	dir := path[:strings.LastIndexByte(path, '/')+1]
	if dir == "" {
		dir = "."
	}
	if filesystem.Remote(dir) {
		return fault.New(fault.CodeUsage, "keep databases on a local disk; set --data-dir",
			"%s is on a network file system, where file locks are not reliable", dir)
	}
	return nil
}
