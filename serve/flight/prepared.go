package flight

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"mixduck/internal/fault"
	"mixduck/storage"
	"mixduck/storage/query"
)

// statement is one that a client has prepared: its text and what is bound. No process waits for it.
type statement struct {
	handle   string
	database string // path
	sql      string
	names    []string // of its parameters
	values   []storage.Value
	used     time.Time
}

// idleTime is how long a prepared statement is kept after its last use, where there are too many.
const idleTime = time.Hour

// CreatePreparedStatement checks a statement and says which columns and parameters it has.
func (s *service) CreatePreparedStatement(ctx context.Context, req flightsql.ActionCreatePreparedStatementRequest) (flightsql.ActionCreatePreparedStatementResult, error) {
	var result flightsql.ActionCreatePreparedStatementResult
	c, err := s.choose(ctx)
	if err != nil {
		return result, statusOf(err)
	}
	d, err := s.describe(ctx, query.Request{Database: c.Path, SQL: req.GetQuery()})
	if err != nil {
		return result, statusOf(err)
	}
	if result.DatasetSchema, err = readSchema(d.columns); err != nil {
		return result, statusOf(err)
	}
	if result.ParameterSchema, err = readSchema(d.parameters); err != nil {
		return result, statusOf(err)
	}
	st := &statement{handle: newID(), database: c.Path, sql: req.GetQuery(), used: time.Now()}
	for _, f := range result.ParameterSchema.Fields() {
		st.names = append(st.names, f.Name)
	}
	result.Handle = []byte(st.handle)
	return result, statusOf(s.keep(st))
}

func readSchema(stream []byte) (*arrow.Schema, error) {
	r, err := ipc.NewReader(bytes.NewReader(stream))
	if err != nil {
		return nil, err
	}
	defer r.Release()
	return r.Schema(), nil
}

// keep remembers a statement. Those that were not used for long make room for it.
func (s *service) keep(st *statement) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.statements) >= maxStatements {
		for handle, other := range s.statements {
			if time.Since(other.used) > idleTime {
				delete(s.statements, handle)
			}
		}
	}
	if len(s.statements) >= maxStatements {
		return errTooMany
	}
	s.statements[st.handle] = st
	return nil
}

// prepared returns a copy of a statement.
func (s *service) prepared(handle []byte) (statement, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.statements[string(handle)]
	if !ok {
		return statement{}, fault.New(fault.CodeNotFound, "prepare it again", "unknown prepared statement: it was closed, or the worker was restarted")
	}
	st.used = time.Now()
	return *st, nil
}

// ClosePreparedStatement forgets a statement.
func (s *service) ClosePreparedStatement(_ context.Context, req flightsql.ActionClosePreparedStatementRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.statements, string(req.GetPreparedStatementHandle()))
	return nil
}

// DoPutPreparedStatementQuery binds one row of values to a statement.
func (s *service) DoPutPreparedStatementQuery(_ context.Context, cmd flightsql.PreparedStatementQuery, r flight.MessageReader, _ flight.MetadataWriter) ([]byte, error) {
	st, err := s.prepared(cmd.GetPreparedStatementHandle())
	if err != nil {
		return nil, statusOf(err)
	}
	rows := int64(0)
	for r.Next() {
		batch := r.RecordBatch()
		if rows += batch.NumRows(); rows > 1 {
			return nil, statusOf(fault.Usage("run it once for each row", "a query takes one row of parameters"))
		}
		if batch.NumRows() == 0 {
			continue
		}
		if st.values, err = bind(st.names, batch); err != nil {
			return nil, statusOf(err)
		}
	}
	if err := r.Err(); err != nil {
		return nil, statusOf(err)
	}
	return cmd.GetPreparedStatementHandle(), statusOf(s.keep(&st))
}

// bind returns the values of a batch with one row, in the order of the parameters. It goes by their names if the parameters have
// names, and the columns have the same.
func bind(names []string, batch arrow.RecordBatch) ([]storage.Value, error) {
	fields := batch.Schema().Fields()
	if len(fields) != len(names) {
		return nil, fault.Usage("bind a value to each", "the statement has %d parameters, but %d values are bound", len(names), len(fields))
	}
	values := make([]storage.Value, len(names))
	byName := !slices.ContainsFunc(names, func(name string) bool {
		_, err := strconv.Atoi(name)
		return err == nil || len(batch.Schema().FieldIndices(name)) != 1
	})
	for i, name := range names {
		column := i
		if byName {
			column = batch.Schema().FieldIndices(name)[0]
		}
		var err error
		if values[i], err = valueOf(batch.Column(column), 0); err != nil {
			return nil, fault.Usage("cast it in the statement, as in $1::INTERVAL, and bind a string", "parameter %s: %w", name, err)
		}
	}
	return values, nil
}

// GetFlightInfoPreparedStatement starts a query with what is bound.
func (s *service) GetFlightInfoPreparedStatement(ctx context.Context, cmd flightsql.PreparedStatementQuery, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	st, err := s.prepared(cmd.GetPreparedStatementHandle())
	if err != nil {
		return nil, statusOf(err)
	}
	return s.start(ctx, query.Request{Database: st.database, SQL: st.sql, Values: st.values}, desc)
}

// GetSchemaPreparedStatement returns the columns of a statement.
func (s *service) GetSchemaPreparedStatement(ctx context.Context, cmd flightsql.PreparedStatementQuery, _ *flight.FlightDescriptor) (*flight.SchemaResult, error) {
	st, err := s.prepared(cmd.GetPreparedStatementHandle())
	if err != nil {
		return nil, statusOf(err)
	}
	d, err := s.describe(ctx, query.Request{Database: st.database, SQL: st.sql})
	return &flight.SchemaResult{Schema: d.columns}, statusOf(err)
}
