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

// fileLock is a lock on the sidecar files of a database. x.db.lock is exclusive for writers and shared for readers.
// x.db.turn is a turnstile: everyone holds it, in the same mode, while waiting for x.db.lock. So a waiting writer
// holds back later readers, which could starve it, and waiting readers hold back a second writer. The database file is
// never opened: closing any descriptor of it would drop DuckDB's own lock.
//
// flock belongs to the open file. So it also works between two locks of one process, and ends with the process.
type fileLock struct {
	f      *os.File // nil for a reader without a sidecar file
	signed bool
}

// holder is what a writer stores in the lock file, for messages of waiting processes.
type holder struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`
}

// lockPoll is the interval at which a waiting process tries again, because flock cannot wait with a context.
const lockPoll = 5 * time.Millisecond

// lockFile locks the database at path. It returns a *[LockedError] after wait (see [Config.LockWait]), or the
// context's error if that ends first.
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

// unlock releases the lock. The files stay: removing them would race with waiting processes.
func (l *fileLock) unlock() {
	if l == nil || l.f == nil {
		return
	}
	if l.signed {
		_ = l.f.Truncate(0) // otherwise it would name this process to those that wait for the next holder
	}
	_ = filelock.Unlock(l.f)
}

// sign writes who holds the lock. This is only for messages, so it may fail.
func (l *fileLock) sign() {
	exe, _ := os.Executable()
	b, err := json.Marshal(holder{PID: os.Getpid(), Command: exe})
	if err == nil && l.f.Truncate(0) == nil {
		_, _ = l.f.WriteAt(b, 0)
		l.signed = true
	}
}

// close closes the file without changing it, because the lock was not acquired.
func (l *fileLock) close() {
	if l.f != nil {
		l.f.Close()
	}
}

// acquire waits for the lock. A reader without a sidecar file does not wait: DuckDB's own lock still separates readers
// and writers.
func (l *fileLock) acquire(ctx context.Context, exclusive bool) error {
	if l.f == nil {
		return nil
	}
	return flock(ctx, l.f, exclusive)
}

// openLock opens or creates a sidecar file of the database at path. A reader that can neither create nor open it gets
// a lock without a file, for example in a read-only directory or one of another user.
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
	if f, openErr := os.Open(name); openErr == nil { // flock needs only a descriptor for reading
		return &fileLock{f: f}, nil
	}
	if exclusive {
		return nil, fault.New(fault.CodeFailed, "run this as the owner of the database, or give this user write permission for "+filepath.Dir(path),
			"cannot write to %s: cannot create its lock file: %w", path, err)
	}
	return &fileLock{}, nil
}

// denied reports whether a file cannot be created here although the directory can be read.
func denied(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// copyRights gives a sidecar file the permissions and owner of the database, so everyone who can read the database can
// lock it. Only the owner of the sidecar file can do this. Without a database, nothing changes.
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
		takeOwner(f.Chown, wantOwner)
	}
	if mode := want.Mode().Perm() &^ 0o111; have.Mode().Perm() != mode {
		_ = f.Chmod(mode)
	}
}

// takeOwner sets the owner and group with chown or, without the right to change the owner, only the group.
func takeOwner(chown func(uid, gid int) error, like *syscall.Stat_t) {
	if chown(int(like.Uid), int(like.Gid)) != nil { // only root can change the owner
		_ = chown(-1, int(like.Gid))
	}
}

// flock locks the file or returns the context's error. If the context has already ended, it tries once.
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

// lockError turns the end of the wait into a *[LockedError], and the end of the caller's context into the context's
// error.
func lockError(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	locked := &LockedError{Path: path}
	locked.readHolder()
	return locked
}

func alive(pid int) bool { return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// commandOf returns the program name of a process, or fallback. It leaves out arguments, because they can contain
// secrets.
func commandOf(pid int, fallback string) string {
	program := filepath.Base(fallback)
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
		program = strings.TrimSuffix(string(b), "\n")
	}
	program = strings.Map(func(r rune) rune { // a process can choose its name
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

// refuseRemote returns an error if the directory of path is on a network file system. Locks are not reliable there,
// and two writers would destroy the file.
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
