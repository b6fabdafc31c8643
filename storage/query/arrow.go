package query

import (
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"mixduck/internal/fault"
)

// arrow writes the rows as an Arrow IPC stream, with a batch per chunk of DuckDB.
func (r *reader) arrow(ctx context.Context, w io.Writer) error {
	if r.statement.explain != "" {
		return fault.Usage("choose another format", "query plans are not available as Arrow")
	}
	st, err := r.prepare(ctx, "", r.statement.selectAs(r.expressions(asTyped), r.rowsNeeded()), "")
	if err != nil {
		return err
	}
	defer st.Close()
	rows, err := st.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	c := newArrowConverter(rows)
	defer c.close()
	schema, err := c.schema(r.keys)
	if err != nil {
		return err
	}
	out := ipc.NewWriter(w, ipc.WithSchema(schema))
	for !r.res.Truncated && rows.NextChunk() {
		if err := r.writeBatch(out, c, schema); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return out.Close()
}

// writeBatch writes the current chunk, up to the limit.
func (r *reader) writeBatch(out *ipc.Writer, c *arrowConverter, schema *arrow.Schema) error {
	batch, err := c.batch(schema)
	if err != nil {
		return err
	}
	defer batch.Release()
	n := batch.NumRows()
	if limit := r.task.Limit; limit > 0 && r.res.Rows+n > limit {
		n, r.res.Truncated = limit-r.res.Rows, true
	}
	r.res.Rows += n
	part := batch.NewSlice(0, n)
	defer part.Release()
	return out.Write(part)
}
