package query

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"mixduck/internal/fault"
)

// pipeName is a named pipe in the task's directory. DuckDB writes Parquet to it, so that its size is limited during
// writing, and it can go to a stream.
const pipeName = "pipe"

// parquet writes the rows with DuckDB's Parquet writer.
func (r *reader) parquet(ctx context.Context, w io.Writer) error {
	if r.statement.explain != "" {
		return fault.Usage("choose another format", "query plans are not available as Parquet")
	}
	source, err := r.parquetSource(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(r.task.Dir, pipeName)
	out, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // does not wait for a writer
	if err != nil {
		return err
	}
	in, err := os.OpenFile(path, os.O_WRONLY, 0) // prevents the end of out before DuckDB begins
	if err != nil {
		out.Close()
		return err
	}
	piped := make(chan error, 1)
	go func() {
		_, err := io.Copy(w, out)
		out.Close() // if this is early, DuckDB's next write fails
		piped <- err
	}()
	err = r.copyTo(ctx, source, path)
	in.Close()
	if pipeErr := <-piped; pipeErr != nil {
		return pipeErr
	}
	return err
}

// parquetSource returns the SELECT for the rows of the result. With a limit, it first stores one row more than the
// limit in a table, to find out whether there are more.
func (r *reader) parquetSource(ctx context.Context) (string, error) {
	expressions := r.expressions(asTyped)
	for i, key := range r.keys {
		expressions[i] += " AS " + identifier(key)
	}
	source := r.statement.selectAs(expressions, r.rowsNeeded())
	if r.task.Limit == 0 {
		return source, nil
	}
	st, err := r.prepare(ctx, "CREATE OR REPLACE TEMP TABLE mixduck_result AS ", source, "")
	if err != nil {
		return "", err
	}
	defer st.Close()
	if _, err := st.Exec(); err != nil {
		return "", err
	}
	more, err := fetch(r.session, fmt.Sprintf("SELECT '' FROM temp.mixduck_result OFFSET %d", r.task.Limit))
	r.res.Truncated = len(more) > 0
	return fmt.Sprintf("FROM temp.mixduck_result LIMIT %d", r.task.Limit), err
}

// copyTo makes DuckDB write the rows of a SELECT to a file.
func (r *reader) copyTo(ctx context.Context, source, path string) error {
	st, err := r.prepare(ctx, "COPY (", source, ") TO "+literal(path)+" (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)")
	if err != nil {
		return err
	}
	defer st.Close()
	r.res.Rows, err = st.Exec()
	return err
}

// literal and identifier quote a text for SQL.
func literal(text string) string    { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
