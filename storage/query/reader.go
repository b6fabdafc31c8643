package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/zeebo/xxh3"

	"mixduck/storage"
)

// reader runs a checked statement on an open database.
type reader struct {
	task      *task
	gate      *gate // nil for internal statements
	session   *storage.Session
	statement *statement
	columns   []Column
	keys      []string // unique column names
	res       Result
}

// answer writes what is asked for.
func (r *reader) answer(ctx context.Context, stdout io.Writer) error {
	if !r.task.Tables {
		if err := r.describe(ctx); err != nil {
			return err
		}
	}
	out, closeOut, err := r.task.output(stdout)
	if err != nil {
		return err
	}
	w := &bounded{w: out, left: r.task.MaxResultBytes, sum: xxh3.New()}
	if w.left == 0 {
		w.left = math.MaxInt64
	}
	err = errors.Join(withoutExcerpt(r.writeFast(ctx, w)), closeOut())
	r.res.Columns, r.res.Bytes, r.res.Sum = r.columns, w.written, fmt.Sprintf("%016x", w.sum.Sum64())
	return err
}

// writeFast is like write, but uses columns of properties where it can. DuckDB may then test conditions in another order,
// so a cast can fail that was not reached before. In that case, the statement runs without columns, if no rows have left
// the process.
func (r *reader) writeFast(ctx context.Context, w *bounded) error {
	given := r.statement
	fast, err := r.useColumns(ctx)
	if err != nil {
		return err
	}
	if fast == nil {
		return r.write(ctx, w)
	}
	r.statement = fast
	err = r.write(ctx, w)
	if e, ok := errors.AsType[*storage.SQLError](err); ok && e.IsKind(userKinds...) && w.rewind() {
		r.statement, r.res.Rows, r.res.Truncated = given, 0, false
		err = r.write(ctx, w)
	}
	return err
}

// write runs the statement and writes its rows to w in the task's format.
func (r *reader) write(ctx context.Context, w io.Writer) error {
	if r.task.Tables {
		return r.tables(w)
	}
	switch r.task.Format {
	case Parquet:
		return r.parquet(ctx, w)
	case Arrow:
		return r.arrow(ctx, w)
	case Rows, CSV, JSON, JSONL:
	}
	return r.texts(ctx, w)
}

// flushBytes is the size of the write buffer.
const flushBytes = 64 << 10

// texts writes the rows in a text format.
func (r *reader) texts(ctx context.Context, w io.Writer) error {
	prepared, err := r.prepareTexts(ctx)
	if err != nil {
		return err
	}
	defer prepared.Close()
	rows, err := prepared.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	enc := newEncoder(r.task.Format, r.columns, r.keys)
	buf := enc.begin(nil)
	for rows.Next() {
		if r.res.Rows == r.task.Limit && r.task.Limit > 0 {
			r.res.Truncated = true
			break
		}
		r.res.Rows++
		buf = enc.row(buf, rows)
		if len(buf) >= flushBytes {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	_, err = w.Write(enc.end(buf))
	return err
}

// prepareTexts prepares the statement with all columns as texts.
func (r *reader) prepareTexts(ctx context.Context) (*storage.Statement, error) {
	if r.statement.explain != "" {
		return r.statement.prepare(r.session, r.statement.text)
	}
	as := func(column, _ string) string { return asText(column) }
	if r.task.Format == JSON || r.task.Format == JSONL || r.task.Format == Rows && r.task.NestedJSON {
		as = asJSON
	}
	return r.prepare(ctx, "", r.statement.selectAs(r.expressions(as), r.rowsNeeded()), "")
}

// rowsNeeded returns the limit plus one, to find out whether there are more rows; 0 means all.
func (r *reader) rowsNeeded() int64 {
	if r.task.Limit == 0 {
		return 0
	}
	return r.task.Limit + 1
}

// expressions returns what to select for each column.
func (r *reader) expressions(as func(column, sqlType string) string) []string {
	all := make([]string, len(r.columns))
	for i, c := range r.columns {
		all[i] = as(fmt.Sprintf("c%d", i), c.Type)
	}
	return all
}

// prepare prepares a SELECT that contains the statement, between internal texts. It is checked in this form, because
// only checked text may run.
func (r *reader) prepare(ctx context.Context, before, text, after string) (*storage.Statement, error) {
	if r.gate != nil {
		if _, err := r.gate.parse(ctx, text); err != nil {
			return nil, err
		}
	}
	return r.statement.prepare(r.session, before+text+after)
}
