package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/filelock"
)

// awaitRecordLock locks a database file for reading in the same way as DuckDB, so that no other program opens it for
// writing. After wait it returns a *[LockedError], like [lockFile].
func awaitRecordLock(ctx context.Context, f *os.File, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	for {
		err := filelock.TryRecord(f)
		if !errors.Is(err, filelock.ErrHeld) {
			return err
		}
		if wait >= 0 && !time.Now().Before(deadline) {
			locked := &LockedError{Path: f.Name()}
			if pid, held, err := filelock.RecordHolder(f, false); err == nil && held {
				locked.PID = pid
				locked.FindCommand()
			}
			return locked
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * lockPoll):
		}
	}
}

// refuseSnapshot returns an error if the database is a snapshot in its original place: the next snapshot would replace
// what is written to it. A snapshot that was moved elsewhere is an ordinary database.
func refuseSnapshot(ctx context.Context, db *sql.DB, path string) error {
	if is, err := hasTable(ctx, db, "snapshot"); err != nil || !is {
		return err
	}
	var called, source string
	if err := db.QueryRowContext(ctx, "SELECT name, source FROM mixduck.snapshot").Scan(&called, &source); err != nil {
		return err
	}
	if !strings.HasSuffix(path, "/"+called) {
		return nil
	}
	return fault.Usage("write to "+source, "%s is a snapshot, which the next one replaces", path)
}

// roomError returns an [ErrNoRoom] that is also [syscall.ENOSPC].
func roomError(format string, args ...any) error {
	return fault.New(fault.CodeFailed, "free some disk space, or set snapshot: off for the project; the last snapshot stays",
		"%w: %w: %w", ErrNoRoom, syscall.ENOSPC, fmt.Errorf(format, args...))
}

// noRoom turns an error about a full disk into an [ErrNoRoom].
func noRoom(err error) error {
	if errors.Is(err, ErrNoRoom) || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return roomError("%w", err)
}

// copyDirs creates a directory and its missing parents, with the permissions and owner of another one.
func copyDirs(like, dir string) error {
	info, err := os.Stat(like)
	if errors.Is(err, fs.ErrNotExist) {
		return &NotFoundError{Path: like}
	}
	if err != nil {
		return err
	}
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Lstat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, d)
	}
	if err := os.MkdirAll(dir, info.Mode().Perm()|0o700); err != nil {
		return noRoom(err)
	}
	for _, d := range missing {
		copyOwner(d, info)
	}
	return nil
}

// copyOwner gives a file the owner and group of another one, if this user may do that.
func copyOwner(path string, like fs.FileInfo) {
	if st, ok := like.Sys().(*syscall.Stat_t); ok {
		takeOwner(func(uid, gid int) error { return os.Chown(path, uid, gid) }, st)
	}
}

// LogFiles returns DuckDB's logs of a database, which contain data that is not yet in the file itself.
func LogFiles(path string) ([]string, error) {
	return filepath.Glob(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path) + ".wal*")
}

// removeLogs removes the logs of a database that is not open.
func removeLogs(path string) error {
	logs, err := LogFiles(path)
	for _, log := range logs {
		err = errors.Join(err, os.Remove(log))
	}
	return err
}
