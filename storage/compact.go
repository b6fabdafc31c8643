package storage

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"

	"mixduck/internal/filesystem"
)

// Compact rewrites the database without the space of deleted rows, and returns the size of the file in bytes before
// and after. All other access waits, including queries. A crash or an error leaves the file unchanged.
//
// It needs disk space for the new file beside the old one. For fence see [Engine.Load]. It returns [ErrLocked] like
// [Open] does, also if an engine of this process has the file open, and [ErrNotFound].
func Compact(ctx context.Context, cfg Config, fence int64) (before, after int64, err error) {
	defer func() { err = ended(ctx, err) }()
	old, err := os.Stat(cfg.Path)
	if errors.Is(err, fs.ErrNotExist) {
		err = &NotFoundError{Path: cfg.Path}
	}
	if err != nil {
		return 0, 0, err
	}
	path, err := canonical(cfg)
	if err != nil {
		return 0, 0, err
	}
	s := slotOf(path, false)
	if err := s.enter(ctx, cfg); err != nil {
		return 0, 0, err
	}
	defer s.leave()
	if s.inst != nil {
		return 0, 0, &LockedError{Path: path, PID: os.Getpid()}
	}
	lock, err := lockFile(ctx, path, true, cfg.LockWait)
	if err != nil {
		return 0, 0, err
	}
	inst, err := openInstance(ctx, path, cfg)
	if err != nil {
		lock.unlock()
		return 0, 0, err
	}
	inst.lock = lock
	e := &Engine{inst: inst}
	err = e.write(ctx, fence, func(*sql.Conn) error { return nil })
	if err == nil {
		err = e.compact(ctx, old.Mode().Perm())
	}
	err = errors.Join(err, inst.close())
	if err != nil {
		return 0, 0, err
	}
	now, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	return old.Size(), now.Size(), nil
}

// compact replaces the file by a copy. The file stays open, and therefore locked, until that is done.
func (e *Engine) compact(ctx context.Context, mode fs.FileMode) error {
	conn, err := e.conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	c := copier{conn: conn, path: e.inst.path + ".compacting"}
	if err := conn.QueryRowContext(ctx, "SELECT current_database()").Scan(&c.source); err != nil {
		return err
	}
	// The log must be empty, because DuckDB would apply it to the new file.
	if err := c.exec(ctx, "FORCE CHECKPOINT"); err != nil {
		return err
	}
	if err := c.run(ctx, func(*sql.Conn) error { return nil }); err != nil {
		return err
	}
	if err := os.Chmod(c.path, mode); err != nil {
		return err
	}
	return filesystem.Rename(c.path, e.inst.path)
}
