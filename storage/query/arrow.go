package query

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"mixduck/storage"
)

// arrow writes the rows as an Arrow IPC stream, with a batch per chunk of DuckDB.
func (r *reader) arrow(ctx context.Context, w io.Writer) error {
	var out *ipc.Writer
	if r.task.SchemaFirst || r.task.Describe {
		var err error
		if out, err = r.arrowSchema(ctx, w); err != nil || r.task.Describe {
			return err
		}
	}
	st, err := r.prepareArrow(ctx, r.rowsNeeded())
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
	if out == nil {
		out = ipc.NewWriter(w, ipc.WithSchema(schema))
	}
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

// prepareArrow prepares the statement so that all columns have types that Arrow has, too.
func (r *reader) prepareArrow(ctx context.Context, limit int64) (*storage.Statement, error) {
	if r.statement.explain != "" {
		return r.statement.prepare(r.session, r.statement.text)
	}
	return r.prepare(ctx, "", r.statement.selectAs(r.expressions(asTyped), limit), "")
}

// arrowSchema writes the schema, which an execution without rows has, before the statement runs.
func (r *reader) arrowSchema(ctx context.Context, w io.Writer) (*ipc.Writer, error) {
	c, err := r.typed(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	schema, err := c.schema(r.keys)
	if err != nil {
		return nil, err
	}
	out := ipc.NewWriter(w, ipc.WithSchema(schema))
	if r.task.Describe {
		r.res.Parameters, err = r.parameters(c.arrowConverter)
		return nil, errors.Join(err, out.Close())
	}
	empty := emptyBatch(schema)
	defer empty.Release()
	err = out.Write(empty)
	return out, err
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
	if !r.task.SchemaFirst {
		return out.Write(part)
	}
	return writeInParts(out, part)
}

// messageBytes is the size up to which a batch is sent in one message: clients of Flight refuse messages of more than 16 MiB.
const messageBytes = 4 << 20

// writeInParts writes a batch that is too large for a message as several. A row is never divided.
func writeInParts(out *ipc.Writer, batch arrow.RecordBatch) error {
	n := batch.NumRows()
	whole := uint64(0) // of all that the batch is a part of
	for _, column := range batch.Columns() {
		whole += column.Data().SizeInBytes()
	}
	if n < 2 || whole <= messageBytes {
		return out.Write(batch)
	}
	size, err := encodedSize(batch)
	if err != nil {
		return err
	}
	if size <= messageBytes {
		return out.Write(batch)
	}
	first, second := batch.NewSlice(0, n/2), batch.NewSlice(n/2, n)
	defer first.Release()
	defer second.Release()
	if err := writeInParts(out, first); err != nil {
		return err
	}
	return writeInParts(out, second)
}

// encodedSize returns how many bytes a stream with this batch has.
func encodedSize(batch arrow.RecordBatch) (int64, error) {
	var count counter
	out := ipc.NewWriter(&count, ipc.WithSchema(batch.Schema()))
	err := errors.Join(out.Write(batch), out.Close())
	return int64(count), err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
