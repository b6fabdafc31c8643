package storage

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"mixduck/internal/fault"
)

// Drop removes a table that fetches have filled, with its coverage, receipts and quarantine, in one transaction. It returns an
// error with [fault.CodeNotFound] that names those that there are. For fence see [Engine.Load].
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
		return drop(ctx, conn, table)
	})
}

// DropAll removes all tables that fetches have filled, as [Engine.Drop] does, and returns their names. Tables that others
// have made stay.
func (e *Engine) DropAll(ctx context.Context, fence int64) (names []string, err error) {
	err = e.write(ctx, fence, func(conn *sql.Conn) error {
		if names, err = tableNames(ctx, conn); err != nil {
			return err
		}
		for _, name := range names {
			if err := drop(ctx, conn, name); err != nil {
				return err
			}
		}
		return nil
	})
	return names, err
}

// tableNames returns the tables that fetches have filled, those under way included.
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
