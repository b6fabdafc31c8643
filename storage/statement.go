package storage

import (
	"github.com/duckdb/duckdb-go-bindings"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Statement is a prepared statement of a [Session].
type Statement struct{ stmt mapping.PreparedStatement }

// Close frees it. Its rows have to be closed before.
func (s *Statement) Close() { mapping.DestroyPrepare(&s.stmt) }

// Parameters returns the names of its parameters, those of `?` being "1", "2" and so on.
func (s *Statement) Parameters() []string {
	names := make([]string, mapping.NParams(s.stmt))
	for i := range names {
		names[i] = mapping.ParameterName(s.stmt, mapping.IdxT(i+1))
	}
	return names
}

// Bind gives the i-th of Parameters its value, which DuckDB casts to the type that the statement wants there.
func (s *Statement) Bind(i int, value string) error {
	if mapping.BindVarcharLength(s.stmt, mapping.IdxT(i+1), value, mapping.IdxT(len(value))) == mapping.StateError {
		return newSQLError(mapping.PrepareError(s.stmt))
	}
	return nil
}

// Query begins to run the statement.
func (s *Statement) Query() (*Rows, error) {
	var pending mapping.PendingResult
	defer mapping.DestroyPending(&pending)
	if duckdb_go_bindings.PendingPreparedStreaming(s.stmt, &pending) == mapping.StateError {
		return nil, newSQLError(mapping.PendingError(pending))
	}
	r := &Rows{}
	if mapping.ExecutePending(pending, &r.result) == mapping.StateError {
		err := newSQLError(mapping.ResultError(&r.result))
		r.Close()
		return nil, err
	}
	r.columns = int(mapping.ColumnCount(&r.result))
	return r, nil
}

// Exec runs the statement for its effect and returns how many rows that had.
func (s *Statement) Exec() (int64, error) {
	var result mapping.Result
	defer mapping.DestroyResult(&result)
	if mapping.ExecutePrepared(s.stmt, &result) == mapping.StateError {
		return 0, newSQLError(mapping.ResultError(&result))
	}
	return int64(mapping.RowsChanged(&result)), nil
}

// Columns returns the names of the columns that it will have. Where that depends on the values of parameters it does not
// return the right ones.
func (s *Statement) Columns() []string {
	names := make([]string, mapping.PreparedStatementColumnCount(s.stmt))
	for i := range names {
		names[i] = mapping.PreparedStatementColumnName(s.stmt, mapping.IdxT(i))
	}
	return names
}
