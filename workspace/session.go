package workspace

import (
	"context"
	"errors"
	"sync"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/storage"
)

// ErrClosed is returned by methods that need the database after Close.
var ErrClosed = fault.New(fault.CodeUsage, "create a new workspace", "the workspace is closed")

// session keeps a database open from the first use until Close. It is safe for concurrent use.
type session struct {
	cfg storage.Config

	mu     sync.Mutex
	engine *storage.Engine
	closed bool
}

// open returns the engine. The session still owns it.
func (s *session) open(ctx context.Context) (*storage.Engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.engine == nil {
		e, err := storage.Open(ctx, s.cfg)
		if err != nil {
			return nil, err
		}
		s.engine = e
	}
	return s.engine, nil
}

func (s *session) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.engine == nil {
		return nil
	}
	e := s.engine
	s.engine = nil
	return e.Close()
}

// withEngine runs fn with the database. If the database is opened for each load, fn must not wait for the network.
func (w *Workspace) withEngine(ctx context.Context, fn func(*storage.Engine) error) error {
	if !w.cfg.OpenPerLoad {
		e, err := w.session.open(ctx)
		if err != nil {
			return err
		}
		return fn(e)
	}
	e, err := storage.Open(ctx, w.cfg.Database)
	if err != nil {
		return err
	}
	return errors.Join(fn(e), e.Close())
}

// Today returns the date in the project's zone.
func (w *Workspace) Today() day.Day { return w.cfg.Project.Today(w.cfg.Now()) }

// reading runs fn with the database opened read-only, together with other readers.
func (w *Workspace) reading(ctx context.Context, fn func(*storage.Engine) error) error {
	if !w.cfg.OpenPerLoad {
		return w.withEngine(ctx, fn)
	}
	cfg := w.cfg.Database
	cfg.ReadOnly, cfg.Adopt = true, false
	e, err := storage.Open(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(fn(e), e.Close())
}

// Close closes the database, so that other processes can use it. An ephemeral or in-memory database is deleted. Close
// waits for a load in progress. A second call does nothing.
func (w *Workspace) Close() error { return w.session.close() }

// SQL runs a statement and returns its rows. The caller closes them. If the workspace may write, so may the statement.
// Arguments replace ? and $1. The statement can do everything that DuckDB can: use package storage/query for
// statements from other people. Numbers in JSON columns lose digits in Go: select properties::VARCHAR instead.
//
// SQL opens the database if necessary, and returns [storage.ErrLocked] and [storage.ErrNotFound] if that fails.
func (w *Workspace) SQL(ctx context.Context, query string, args ...any) (*storage.ResultSet, error) {
	if w.cfg.OpenPerLoad {
		return nil, fault.Usage("set Config.OpenPerLoad to false", "this workspace does not keep its database open")
	}
	e, err := w.session.open(ctx)
	if err != nil {
		return nil, err
	}
	return e.Query(ctx, query, args...)
}

// Tables returns the metadata of all fetched tables, by name.
func (w *Workspace) Tables(ctx context.Context) (tables []storage.TableInfo, err error) {
	err = w.withEngine(ctx, func(e *storage.Engine) error {
		tables, err = e.Tables(ctx)
		return err
	})
	return tables, err
}

// Drop deletes a table and its metadata, see [storage.Engine.Drop].
func (w *Workspace) Drop(ctx context.Context, table string) error {
	return w.withEngine(ctx, func(e *storage.Engine) error { return e.Drop(ctx, table, 0) })
}

// DropAll deletes all fetched tables and returns their names.
func (w *Workspace) DropAll(ctx context.Context) (names []string, err error) {
	err = w.withEngine(ctx, func(e *storage.Engine) error {
		names, err = e.DropAll(ctx, 0)
		return err
	})
	return names, err
}
