package query

import (
	"bytes"
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"mixduck/storage"
)

// typed is a result without rows, for its types.
type typed struct {
	*arrowConverter
	statement *storage.Statement
}

func (t *typed) close() {
	t.arrowConverter.close()
	t.rows.Close()
	t.statement.Close()
}

// newTyped runs a prepared statement, which close closes.
func newTyped(st *storage.Statement) (*typed, error) {
	rows, err := st.Query()
	if err != nil {
		st.Close()
		return nil, err
	}
	return &typed{newArrowConverter(rows), st}, nil
}

// typed returns the types of the statement's result. It does not run the statement.
func (r *reader) typed(ctx context.Context) (*typed, error) {
	var st *storage.Statement
	var err error
	if r.statement.explain != "" {
		st, err = r.session.Prepare("SELECT '' AS explain_key, '' AS explain_value LIMIT 0")
	} else {
		st, err = r.prepare(ctx, "", r.statement.selectAs(r.expressions(asTyped), 0)+" LIMIT 0", "")
	}
	if err != nil {
		return nil, err
	}
	return newTyped(st)
}

// parameters returns a schema of the parameters, see Result.Parameters.
func (r *reader) parameters(c *arrowConverter) ([]byte, error) {
	st, err := r.session.Prepare(r.statement.text)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	names := st.Parameters()
	types := make([]mapping.LogicalType, len(names))
	for i := range types {
		types[i] = st.ParameterType(i)
		if types[i].Ptr == nil || mapping.GetTypeId(types[i]) == mapping.TypeInvalid {
			mapping.DestroyLogicalType(&types[i])
			types[i] = mapping.CreateLogicalType(mapping.TypeVarchar)
		}
	}
	schema, err := c.schemaOf(names, types)
	if err != nil {
		return nil, err
	}
	return schemaBytes(schema)
}

// schemaBytes returns a schema as a stream of Arrow IPC without batches.
func schemaBytes(schema *arrow.Schema) ([]byte, error) {
	var b bytes.Buffer
	err := ipc.NewWriter(&b, ipc.WithSchema(schema)).Close()
	return b.Bytes(), err
}

// emptyBatch returns a batch without rows.
func emptyBatch(schema *arrow.Schema) arrow.RecordBatch {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	return builder.NewRecordBatch()
}
