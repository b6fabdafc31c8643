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

// Engine is an open database. Its methods are safe for concurrent use. Loads into one file run one at a time.
//
// A persistent engine that may write locks out every other process while it is open, including readers. So open it for
// one piece of work and close it again.
type Engine struct {
	inst   *instance
	mode   Mode
	closed atomic.Bool

	maxBadBytes int64 // per load, for lines on their way to quarantine; 0 means the default
	pieceRows   int64 // rows that one transaction fills; 0 means the default
}

// Open opens the database described by cfg. If it may write, it creates a missing file, directory and schema. Engines
// of one process that open a file in the same way share one DuckDB instance.
//
// It returns [ErrLocked] if another process holds the file, [ErrNotFound] if there is nothing to read, and errors with
// a hint if the file is not a DuckDB database or was written by a newer version.
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
	return &Engine{inst: inst, mode: Persistent, pieceRows: cfg.PieceRows}, nil
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

// Path returns the path of the file, or "" for an in-memory database.
func (e *Engine) Path() string { return e.inst.path }

// Close closes the database. The last engine of a file waits for a load in progress, closes the file and releases its
// lock. Committed data is on disk. A second call does nothing.
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

// conn returns a new connection. The caller closes it.
func (e *Engine) conn(ctx context.Context) (*sql.Conn, error) {
	if e.closed.Load() {
		return nil, ErrClosed
	}
	return e.inst.db.Conn(ctx)
}

// write runs fn in one transaction, as the only writer of this process, and commits unless fn fails. It checks and
// raises the fence first; see [Engine.Load]. The definitions of [syncMacros] and [syncViews] follow in the
// same transaction.
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
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "BEGIN"); err != nil { // an interrupted BEGIN could leave a transaction open
		return err
	}
	// DuckDB reports success for a COMMIT of an aborted transaction, so every error must lead to a ROLLBACK.
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
	if err := syncMacros(ctx, conn, e.inst.isNew); err != nil {
		return err
	}
	if err := syncViews(ctx, conn); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	_, err = conn.ExecContext(context.WithoutCancel(ctx), "COMMIT")
	return err
}

// raiseFence rejects a writer with a lower fence than the stored one; otherwise it stores the new fence. Fence 0 means
// a writer without a queue: only the file lock holds it off.
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
