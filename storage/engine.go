package storage

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"

	"mixduck/internal/fault"
	"mixduck/internal/name"
)

// Engine is an open database. Its methods are safe for concurrent use; loads into one file go one after the other.
//
// A Persistent engine that may write keeps every other process out of the file for as long as it is open, readers too.
// So open it for one piece of work and close it again.
type Engine struct {
	inst   *instance
	mode   Mode
	closed atomic.Bool
}

// Open opens the database that cfg describes, and creates it, its directory and its schema if it is to be written and
// does not exist. Engines of one process that open a file in the same way share one DuckDB instance.
//
// It returns [ErrLocked] while another process holds the file, [ErrNotFound] when there is nothing to read, and errors
// with a hint when the file is no DuckDB database or was written by a newer version.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	switch cfg.Mode {
	case InMemory:
		inst, err := openInstance(ctx, "", cfg)
		if err != nil {
			return nil, err
		}
		return &Engine{inst: inst, mode: InMemory}, nil
	case Ephemeral:
		dir, err := os.MkdirTemp("", "mixduck-*")
		if err != nil {
			return nil, err
		}
		inst, err := openInstance(ctx, filepath.Join(dir, "ephemeral.db"), cfg)
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		return &Engine{inst: inst, mode: Ephemeral}, nil
	case Persistent:
	}
	inst, err := acquire(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Engine{inst: inst, mode: Persistent}, nil
}

func (c Config) validate() error {
	switch {
	case c.Mode == Persistent && c.Path == "":
		return fault.Usage("set Config.Path", "a persistent database needs a path")
	case c.Mode != Persistent && (c.Path != "" || c.ReadOnly):
		return fault.Usage("remove Path and ReadOnly", "an ephemeral or in-memory database has no path and cannot be read-only")
	case c.Shared && !c.ReadOnly:
		return fault.Usage("set ReadOnly too", "a shared database must be read-only")
	}
	return name.File(c.Path)
}

// Path returns the file's path, "" in memory.
func (e *Engine) Path() string { return e.inst.path }

// Close gives the database up; the last engine of a file waits for a load that is under way, closes the file and lets
// other processes in. What was committed is on disk. A second call does nothing.
func (e *Engine) Close() error {
	if e.closed.Swap(true) {
		return nil
	}
	if e.mode == Persistent {
		return release(e.inst)
	}
	err := e.inst.close()
	if e.mode == Ephemeral {
		err = errors.Join(err, os.RemoveAll(filepath.Dir(e.inst.path)))
	}
	return err
}

// conn returns a connection of its own, which the caller closes.
func (e *Engine) conn(ctx context.Context) (*sql.Conn, error) {
	if e.closed.Load() {
		return nil, ErrClosed
	}
	return e.inst.db.Conn(ctx)
}

// write runs fn in one transaction, alone among the writers of this process, and commits unless fn fails. It checks and
// moves the fence first; see [Engine.Load].
func (e *Engine) write(ctx context.Context, fence int64, fn func(*sql.Conn) error) (err error) {
	if e.inst.readOnly {
		return ErrReadOnly
	}
	e.inst.writer.Lock()
	defer e.inst.writer.Unlock()
	conn, err := e.conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "BEGIN"); err != nil { // cut off it could leave a transaction open
		return err
	}
	// DuckDB answers OK to the COMMIT of an aborted transaction, so that any error has to end in a ROLLBACK.
	defer func() {
		if err != nil {
			err = diskFull(ended(ctx, err))
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	if err := raiseFence(ctx, conn, fence); err != nil {
		return err
	}
	if err := fn(conn); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	_, err = conn.ExecContext(context.WithoutCancel(ctx), "COMMIT")
	return err
}

// raiseFence refuses a writer whose fence is lower than the one stored, and stores it. A fence of 0 belongs to nobody's
// queue: such a writer is held off by the file lock alone.
func raiseFence(ctx context.Context, conn *sql.Conn, fence int64) error {
	if fence == 0 {
		return nil
	}
	var stored int64
	if err := conn.QueryRowContext(ctx, "SELECT value FROM mixduck.fence").Scan(&stored); err != nil {
		return err
	}
	if stored > fence {
		return &FencedError{stored: stored}
	}
	_, err := conn.ExecContext(ctx, "UPDATE mixduck.fence SET value = ?", fence)
	return err
}
