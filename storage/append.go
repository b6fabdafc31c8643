package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"iter"

	"github.com/duckdb/duckdb-go/v2"
)

// appendRows adds rows to a table in the transaction of conn. With a separate statement per row, DuckDB would keep a
// block of memory for each until the transaction ends.
func appendRows(ctx context.Context, conn *sql.Conn, catalog, schema, table string, rows iter.Seq[[]driver.Value]) error {
	return conn.Raw(func(driverConn any) error {
		c, ok := driverConn.(driver.Conn)
		if !ok {
			return errors.New("not a DuckDB connection")
		}
		a, err := duckdb.NewAppender(c, catalog, schema, table)
		if err != nil {
			return err
		}
		for row := range rows {
			if err := a.AppendRow(row...); err != nil {
				return errors.Join(err, a.Close())
			}
		}
		return a.CloseWithCancel(ctx)
	})
}
