package storage

import (
	"github.com/duckdb/duckdb-go-bindings"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Statement is a prepared statement of a [Session].
type Statement struct {
	session *Session
	stmt    mapping.PreparedStatement
	text    string
	values  map[int]Value // bound values, by the index of the parameter
}

// Close frees the statement. Close its rows first.
func (s *Statement) Close() { mapping.DestroyPrepare(&s.stmt) }

// Parameters returns the names of its parameters. `?` parameters have the names "1", "2" and so on.
func (s *Statement) Parameters() []string {
	names := make([]string, mapping.NParams(s.stmt))
	for i := range names {
		names[i] = mapping.ParameterName(s.stmt, mapping.IdxT(i+1))
	}
	return names
}

// ParameterType returns the type that parameter i of Parameters has in the statement, of which DuckDB often knows nothing: then its id is
// [mapping.TypeInvalid]. The caller destroys it.
func (s *Statement) ParameterType(i int) mapping.LogicalType {
	return mapping.ParamLogicalType(s.stmt, mapping.IdxT(i+1))
}

// Bind sets the value of parameter i of Parameters. DuckDB casts it to the type that the statement needs.
func (s *Statement) Bind(i int, value string) error { return s.BindValue(i, Value{Text: &value}) }

// Query starts the statement, which must only read: after some errors it runs a second time.
func (s *Statement) Query() (*Rows, error) {
	var pending mapping.PendingResult
	defer mapping.DestroyPending(&pending)
	if duckdb_go_bindings.PendingPreparedStreaming(s.stmt, &pending) == mapping.StateError {
		return nil, newSQLError(mapping.PendingError(pending))
	}
	r := &Rows{statement: s}
	if mapping.ExecutePending(pending, &r.result) == mapping.StateError {
		err := newSQLError(mapping.ResultError(&r.result))
		r.Close()
		return nil, s.cause(err)
	}
	r.columns = int(mapping.ColumnCount(&r.result))
	return r, nil
}

// cause returns the reason for an error of a streaming run. DuckDB 1.5.6 stops all threads of a query at the first
// error, and a streaming result sometimes reports only that it was stopped. EXPLAIN ANALYZE runs the same plan and
// drops the rows in DuckDB, which then keeps the first error. If the second run does not fail, cause can report only
// the interrupt.
func (s *Statement) cause(err *SQLError) error {
	if !err.Is(ErrInterrupted) {
		return err
	}
	again, prepareErr := s.session.Prepare("EXPLAIN ANALYZE " + s.text)
	if prepareErr != nil {
		return err
	}
	defer again.Close()
	for i, value := range s.values {
		if again.BindValue(i, value) != nil {
			return err
		}
	}
	if _, cause := again.Exec(); cause != nil {
		return cause
	}
	return err
}

// Exec runs the statement and returns the number of affected rows.
func (s *Statement) Exec() (int64, error) {
	var result mapping.Result
	defer mapping.DestroyResult(&result)
	if mapping.ExecutePrepared(s.stmt, &result) == mapping.StateError {
		return 0, newSQLError(mapping.ResultError(&result))
	}
	return int64(mapping.RowsChanged(&result)), nil
}

// Columns returns the names of its columns. If they depend on parameter values, the names are wrong.
func (s *Statement) Columns() []string {
	names := make([]string, mapping.PreparedStatementColumnCount(s.stmt))
	for i := range names {
		names[i] = mapping.PreparedStatementColumnName(s.stmt, mapping.IdxT(i))
	}
	return names
}
