package flight

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql/schema_ref"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"mixduck/storage/query"
)

// table is what clients are told of one.
type table struct {
	catalog, schema, name, kind string
	columns                     []byte // see [query.TablesSchema]
}

// read returns the tables of one database.
func (s *service) read(ctx context.Context, c catalog) ([]table, error) {
	var out bytes.Buffer
	launch := s.cfg.Launcher
	launch.Stdout = &out
	if _, err := s.run(ctx, launch, query.Request{Database: c.Path, Tables: true}); err != nil {
		return nil, err
	}
	r, err := ipc.NewReader(&out)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	var all []table
	for r.Next() {
		batch := r.RecordBatch()
		columns, ok := batch.Column(4).(*array.Binary)
		if !ok {
			return nil, errIncomplete
		}
		text := func(column, row int) string { return strings.Clone(batch.Column(column).ValueStr(row)) }
		for i := range int(batch.NumRows()) {
			all = append(all, table{c.name, text(0, i), text(1, i), text(2, i), bytes.Clone(columns.Value(i))})
		}
	}
	return all, r.Err()
}

// tables returns the tables of a catalog; of all catalogs, or of the one that the client has chosen, if the request names none. A
// database that cannot be read is left out where others are asked for, too.
func (s *service) tables(ctx context.Context, wanted *string) ([]table, error) {
	all, err := s.catalogs(ctx)
	if err != nil {
		return nil, err
	}
	name := chosen(ctx)
	if wanted != nil && *wanted != "" {
		name = *wanted
	}
	if name != "" {
		c, err := pick(all, name)
		if err != nil {
			return nil, err
		}
		return s.read(ctx, c)
	}
	var found []table
	var errs []error
	for _, c := range all {
		tables, err := s.read(ctx, c)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			s.log.Warn("tables cannot be listed", slog.String("database", c.Name), slog.Any("err", err))
			errs = append(errs, err)
		}
		found = append(found, tables...)
	}
	if len(errs) == len(all) {
		return nil, errors.Join(errs...)
	}
	return found, nil
}

// matcher returns a function that compares names with a pattern, in which % stands for any text, _ for any character, and \ makes
// the next character an ordinary one. A nil pattern fits every name.
func matcher(pattern *string) func(string) bool {
	if pattern == nil {
		return func(string) bool { return true }
	}
	var b strings.Builder
	b.WriteString("(?s)^")
	plain := false
	for _, r := range *pattern {
		switch {
		case plain:
			b.WriteString(regexp.QuoteMeta(string(r)))
			plain = false
			continue
		case r == '\\':
			plain = true
		case r == '%':
			b.WriteString(".*")
		case r == '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	if plain {
		b.WriteString(`\\`)
	}
	compiled, err := regexp.Compile(b.String() + "$")
	if err != nil { // it is quoted, so this is a pattern that is too long
		return func(string) bool { return false }
	}
	return compiled.MatchString
}

// GetFlightInfoTables describes the list of tables.
func (*service) GetFlightInfoTables(_ context.Context, cmd flightsql.GetTables, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return infoFor(desc, tablesSchema(cmd))
}

func tablesSchema(cmd flightsql.GetTables) *arrow.Schema {
	if cmd.GetIncludeSchema() {
		return schema_ref.TablesWithIncludedSchema
	}
	return schema_ref.Tables
}

// DoGetTables lists tables.
func (s *service) DoGetTables(ctx context.Context, cmd flightsql.GetTables) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	all, err := s.tables(ctx, cmd.GetCatalog())
	if err != nil {
		return nil, nil, statusOf(err)
	}
	schema := tablesSchema(cmd)
	fitsSchema, fitsName := matcher(cmd.GetDBSchemaFilterPattern()), matcher(cmd.GetTableNameFilterPattern())
	return rows(schema, func(b *array.RecordBuilder) {
		for _, t := range all {
			if types := cmd.GetTableTypes(); !fitsSchema(t.schema) || !fitsName(t.name) || len(types) > 0 && !slices.Contains(types, t.kind) {
				continue
			}
			texts(b, t.catalog, t.schema, t.name, t.kind)
			if cmd.GetIncludeSchema() {
				if columns, ok := b.Field(4).(*array.BinaryBuilder); ok {
					columns.Append(t.columns)
				}
			}
		}
	})
}

// GetFlightInfoSchemas describes the list of schemas.
func (*service) GetFlightInfoSchemas(_ context.Context, _ flightsql.GetDBSchemas, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return infoFor(desc, schema_ref.DBSchemas)
}

// DoGetDBSchemas lists the schemas that have tables.
func (s *service) DoGetDBSchemas(ctx context.Context, cmd flightsql.GetDBSchemas) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	all, err := s.tables(ctx, cmd.GetCatalog())
	if err != nil {
		return nil, nil, statusOf(err)
	}
	fits := matcher(cmd.GetDBSchemaFilterPattern())
	return rows(schema_ref.DBSchemas, func(b *array.RecordBuilder) {
		var last table
		for _, t := range all { // in the order of their schemas
			if fits(t.schema) && (t.catalog != last.catalog || t.schema != last.schema) {
				texts(b, t.catalog, t.schema)
			}
			last = t
		}
	})
}

// GetFlightInfoCatalogs describes the list of catalogs.
func (*service) GetFlightInfoCatalogs(_ context.Context, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return infoFor(desc, schema_ref.Catalogs)
}

// DoGetCatalogs lists the databases.
func (s *service) DoGetCatalogs(ctx context.Context) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	all, err := s.catalogs(ctx)
	if err != nil {
		return nil, nil, statusOf(err)
	}
	return rows(schema_ref.Catalogs, func(b *array.RecordBuilder) {
		for _, c := range all {
			texts(b, c.name)
		}
	})
}

// texts appends a row of texts.
func texts(b *array.RecordBuilder, values ...string) {
	for i, v := range values {
		_ = b.Field(i).AppendValueFromString(v) // a text always is one
	}
}

// rows returns a stream with one batch, which fill makes.
func rows(schema *arrow.Schema, fill func(*array.RecordBuilder)) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	fill(b)
	out := make(chan flight.StreamChunk, 1)
	out <- flight.StreamChunk{Data: b.NewRecordBatch()}
	close(out)
	return schema, out, nil
}

// infoFor describes a list with this schema.
func infoFor(desc *flight.FlightDescriptor, schema *arrow.Schema) (*flight.FlightInfo, error) {
	return flightInfo(desc, flight.SerializeSchema(schema, memory.DefaultAllocator)), nil
}
