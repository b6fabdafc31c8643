package storage

import (
	"errors"
	"fmt"
	"maps"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Session is a separate connection to an open database, for results that are too large for memory. database/sql keeps
// all rows in memory; a Session returns them as DuckDB computes them. It does not check statements, nothing interrupts
// it, and only one goroutine may use it at a time.
type Session struct {
	db   mapping.Database
	conn mapping.Connection
}

// Session connects to the database. Close the session before the engine. Its time zone is UTC.
func (e *Engine) Session() (*Session, error) {
	if e.closed.Load() {
		return nil, ErrClosed
	}
	s := &Session{}
	if err := s.connect(e.inst); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.Exec("SET TimeZone = 'UTC'"); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// connect opens the instance again through the driver's cache of open instances, because the driver does not expose
// the handle of its connections. The settings must be the same as when it was opened.
func (s *Session) connect(inst *instance) error {
	var config mapping.Config
	if mapping.CreateConfig(&config) == mapping.StateError {
		return errors.New("DuckDB could not create a configuration")
	}
	defer mapping.DestroyConfig(&config)
	settings := maps.Clone(inst.settings)
	settings.Set("duckdb_api", "go") // the driver sets this too
	for name := range settings {
		if mapping.SetConfig(config, name, settings.Get(name)) == mapping.StateError {
			return fmt.Errorf("DuckDB rejected the setting %s", name)
		}
	}
	var message string
	if mapping.GetOrCreateFromCache(duckdb.GetInstanceCache(), inst.name, &s.db, config, &message) == mapping.StateError {
		return errors.New(message)
	}
	if mapping.Connect(s.db, &s.conn) == mapping.StateError {
		return errors.New("DuckDB could not create a connection")
	}
	return nil
}

// Close disconnects. Close statements and rows first.
func (s *Session) Close() {
	mapping.Disconnect(&s.conn)
	mapping.Close(&s.db)
}

// Exec runs a statement and ignores its result.
func (s *Session) Exec(text string) error {
	st, err := s.Prepare(text)
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = st.Exec()
	return err
}

// Prepare checks one statement against the database. It returns an [*SQLError] if DuckDB rejects it.
func (s *Session) Prepare(text string) (*Statement, error) {
	st := &Statement{session: s, text: text, values: map[int]Value{}}
	if mapping.Prepare(s.conn, text, &st.stmt) == mapping.StateError {
		err := newSQLError(mapping.PrepareError(st.stmt))
		st.Close()
		return nil, err
	}
	return st, nil
}
