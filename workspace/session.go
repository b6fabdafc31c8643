package workspace

import (
	"context"
	"errors"
	"sync"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// ErrClosed is returned by every method that needs the database once the workspace is closed.
var ErrClosed = fault.New(fault.CodeUsage, "create a new workspace", "the workspace is closed")

// session keeps a database open from its first use until it is closed. It is safe for concurrent use.
type session struct {
	cfg storage.Config

	mu     sync.Mutex
	engine *storage.Engine
	closed bool
}

// open returns the engine, which stays the session's.
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

// withEngine runs one piece of work on the database. Where it is not kept open nothing in fn may wait for the network.
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

// Close gives the database up and lets other processes in; that of an ephemeral or in-memory workspace is gone. It waits for
// a load that is under way. A second call does nothing.
func (w *Workspace) Close() error { return w.session.close() }

// SQL runs a statement that reads, or where the workspace may write any other, and returns its rows, which the caller
// closes. Arguments stand for ? and $1 in it. Nothing keeps the statement from what DuckDB can do: where it comes from
// somebody else use package storage/query. Numbers in columns of type JSON lose digits in Go: select properties::VARCHAR.
//
// It opens the database if it is not open, and returns [storage.ErrLocked] and [storage.ErrNotFound] as that does.
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

// Tables returns what is known of the tables that fetches have filled, by name.
func (w *Workspace) Tables(ctx context.Context) (tables []storage.TableInfo, err error) {
	err = w.withEngine(ctx, func(e *storage.Engine) error {
		tables, err = e.Tables(ctx)
		return err
	})
	return tables, err
}

// Drop deletes a table with all that is known of it, see [storage.Engine.Drop].
func (w *Workspace) Drop(ctx context.Context, table string) error {
	return w.withEngine(ctx, func(e *storage.Engine) error { return e.Drop(ctx, table, 0) })
}

// DropAll deletes all tables that fetches have filled, and returns their names.
func (w *Workspace) DropAll(ctx context.Context) (names []string, err error) {
	err = w.withEngine(ctx, func(e *storage.Engine) error {
		names, err = e.DropAll(ctx, 0)
		return err
	})
	return names, err
}
