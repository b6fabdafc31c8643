package query

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The metadata of a column in the schemas of tables. The names are those of Arrow Flight SQL.
const (
	MetaTypeName = "ARROW:FLIGHT:SQL:TYPE_NAME" // as DuckDB writes it
	MetaRemarks  = "ARROW:FLIGHT:SQL:REMARKS"   // its comment, if it has one
)

// TablesSchema is the result of Request.Tables. The type is TABLE or VIEW; table_schema is the schema of the table as a stream of
// Arrow IPC without batches, with the types that a query returns. It has no columns for a view that DuckDB cannot run.
func TablesSchema() *arrow.Schema {
	var fields []arrow.Field
	for _, name := range []string{"schema", "name", "type", "comment"} {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String})
	}
	return arrow.NewSchema(append(fields, arrow.Field{Name: "table_schema", Type: arrow.BinaryTypes.Binary}), nil)
}

const listTables = `SELECT schema_name, table_name, 'TABLE', comment FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal
	UNION ALL SELECT schema_name, view_name, 'VIEW', comment FROM duckdb_views() WHERE database_name = current_database() AND NOT internal
	ORDER BY ALL`

const listColumns = `SELECT schema_name, table_name, column_name, data_type, comment, is_nullable::VARCHAR FROM duckdb_columns()
	WHERE database_name = current_database() AND NOT internal ORDER BY schema_name, table_name, column_index`

// tables writes all tables and views.
func (r *reader) tables(w io.Writer) error {
	tables, err := fetch(r.session, listTables)
	if err != nil {
		return err
	}
	columns, err := fetch(r.session, listColumns)
	if err != nil {
		return err
	}
	builder := array.NewRecordBuilder(memory.DefaultAllocator, TablesSchema())
	defer builder.Release()
	for _, t := range tables {
		for i, text := range t {
			if err := builder.Field(i).AppendValueFromString(text); err != nil {
				return err
			}
		}
		own := slices.Collect(func(yield func([]string) bool) {
			for _, c := range columns {
				if c[0] == t[0] && c[1] == t[1] && !yield(c[2:]) {
					return
				}
			}
		})
		schema, err := r.tableSchema(t[0], t[1], own)
		if err != nil {
			schema = arrow.NewSchema(nil, nil) // a view of a table that is gone
		}
		b, err := schemaBytes(schema)
		if err != nil {
			return err
		}
		if column, ok := builder.Field(len(t)).(*array.BinaryBuilder); ok {
			column.Append(b)
		}
	}
	batch := builder.NewRecordBatch()
	defer batch.Release()
	r.res.Rows = batch.NumRows()
	out := ipc.NewWriter(w, ipc.WithSchema(batch.Schema()))
	if err := out.Write(batch); err != nil {
		return err
	}
	return out.Close()
}

// tableSchema returns the schema of a table with these columns: name, type, comment, nullable.
func (r *reader) tableSchema(schema, table string, columns [][]string) (*arrow.Schema, error) {
	expressions, names := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		expressions[i], names[i] = asTyped(identifier(c[0]), c[1]), c[0]
	}
	st, err := r.session.Prepare(fmt.Sprintf("SELECT %s FROM %s.%s LIMIT 0", strings.Join(expressions, ", "), identifier(schema), identifier(table)))
	if err != nil {
		return nil, err
	}
	t, err := newTyped(st)
	if err != nil {
		return nil, err
	}
	defer t.close()
	plain, err := t.schema(names)
	if err != nil {
		return nil, err
	}
	fields := plain.Fields()
	for i, c := range columns {
		meta := map[string]string{MetaTypeName: c[1]}
		maps.Copy(meta, fields[i].Metadata.ToMap())
		if c[2] != "" {
			meta[MetaRemarks] = c[2]
		}
		fields[i].Metadata, fields[i].Nullable = arrow.MetadataFrom(meta), c[3] == "true"
	}
	return arrow.NewSchema(fields, nil), nil
}
