package storage

import (
	"errors"
	"fmt"
	"maps"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Session is a connection of its own to an open database, for statements whose rows are too many to be held in memory:
// those of database/sql are, and a Session hands them out as DuckDB makes them. It checks nothing of what it is given to
// run, nothing interrupts it, and it must not be used by two goroutines at once.
type Session struct {
	db   mapping.Database
	conn mapping.Connection
}

// Session connects to the database. The caller closes the session before the engine. Its time zone is UTC.
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

// connect asks for an instance once more where the driver keeps those that are open, for it gives the handle of its own
// connections to nobody. The settings have to be those that it was opened with.
func (s *Session) connect(inst *instance) error {
	var config mapping.Config
	if mapping.CreateConfig(&config) == mapping.StateError {
		return errors.New("DuckDB could not create a configuration")
	}
	defer mapping.DestroyConfig(&config)
	settings := maps.Clone(inst.settings)
	settings.Set("duckdb_api", "go") // as the driver does
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

// Close disconnects. Statements and rows have to be closed before.
func (s *Session) Close() {
	mapping.Disconnect(&s.conn)
	mapping.Close(&s.db)
}

// Exec runs a statement for its effect.
func (s *Session) Exec(text string) error {
	st, err := s.Prepare(text)
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = st.Exec()
	return err
}

// Prepare checks one statement against the database. It returns an [*SQLError] if DuckDB does not take it.
func (s *Session) Prepare(text string) (*Statement, error) {
	st := &Statement{session: s, text: text, values: map[int]string{}}
	if mapping.Prepare(s.conn, text, &st.stmt) == mapping.StateError {
		err := newSQLError(mapping.PrepareError(st.stmt))
		st.Close()
		return nil, err
	}
	return st, nil
}
