package storage

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"mixduck/internal/fault"
)

// Drop removes a fetched table with its coverage, receipts and quarantine, in one transaction. For an unknown table it
// returns an error with [fault.CodeNotFound] that lists the known tables. For fence see [Engine.Load].
func (e *Engine) Drop(ctx context.Context, table string, fence int64) error {
	return e.write(ctx, fence, func(conn *sql.Conn) error {
		names, err := tableNames(ctx, conn)
		if err != nil {
			return err
		}
		if !slices.Contains(names, table) {
			hint := "this database has no tables"
			if len(names) > 0 {
				hint = "use one of " + strings.Join(names, ", ")
			}
			return fault.New(fault.CodeNotFound, hint, "unknown table %s", table)
		}
		return dropWhole(ctx, conn, table)
	})
}

// dropWhole removes a table, its metadata and its views.
func dropWhole(ctx context.Context, conn *sql.Conn, table string) error {
	if err := drop(ctx, conn, table); err != nil {
		return err
	}
	dropped, err := affected(conn.ExecContext(ctx, "DELETE FROM mixduck.model_columns WHERE table_name = ?", table))
	if err != nil || dropped == 0 {
		return err
	}
	return makeViews(ctx, conn)
}

// DropAll removes all fetched tables, like [Engine.Drop], and returns their names. Tables of other programs stay.
func (e *Engine) DropAll(ctx context.Context, fence int64) (names []string, err error) {
	err = e.write(ctx, fence, func(conn *sql.Conn) error {
		if names, err = tableNames(ctx, conn); err != nil {
			return err
		}
		for _, name := range names {
			if err := dropWhole(ctx, conn, name); err != nil {
				return err
			}
		}
		return nil
	})
	return names, err
}

// tableNames returns the fetched tables, including unfinished ones.
func tableNames(ctx context.Context, conn *sql.Conn) ([]string, error) {
	rows, err := conn.QueryContext(ctx, "SELECT table_name FROM mixduck.tables ORDER BY ALL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
