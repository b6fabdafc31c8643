package storage

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"mixduck/internal/fault"
)

// asideSuffix is added to the name of a table that [Config.Adopt] renames.
const asideSuffix = "_before_mixduck"

// foreignTables returns the tables and views that conflict with our schema, in a database that does not have it yet:
// _metadata, which mixpanel_data also uses, and the tables listed there. Without _metadata it returns none.
func foreignTables(ctx context.Context, tx *sql.Tx) ([]foreignTable, error) {
	all, err := relations(ctx, tx)
	if err != nil {
		return nil, err
	}
	metadata, ok := all["_metadata"]
	if !ok {
		return nil, nil
	}
	found := []foreignTable{metadata}
	var lists bool
	const column = "SELECT count(*) > 0 FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = 'main' AND table_name = ? AND column_name = 'table_name'"
	if err := tx.QueryRowContext(ctx, column, metadata.name).Scan(&lists); err != nil || !lists {
		return found, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT DISTINCT lower(table_name::VARCHAR) AS name FROM main._metadata ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name sql.NullString
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if t, ok := all[name.String]; ok && t != metadata {
			found = append(found, t)
		}
	}
	return found, rows.Err()
}

// foreignTable is a table or view that Mixduck did not create.
type foreignTable struct {
	name string
	view bool
}

// relations returns the tables and views of schema main by lower-case name.
func relations(ctx context.Context, tx *sql.Tx) (map[string]foreignTable, error) {
	const all = `SELECT table_name, false FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main'
		UNION ALL SELECT view_name, true FROM duckdb_views() WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal`
	rows, err := tx.QueryContext(ctx, all)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]foreignTable{}
	for rows.Next() {
		var t foreignTable
		if err := rows.Scan(&t.name, &t.view); err != nil {
			return nil, err
		}
		found[strings.ToLower(t.name)] = t
	}
	return found, rows.Err()
}

// moveAside renames the tables of another program that conflict with our schema, and returns what it renamed. If adopt
// is false and there is something to rename, it returns an error with [fault.CodeExists].
func moveAside(ctx context.Context, tx *sql.Tx, adopt bool) (moved []string, err error) {
	foreign, err := foreignTables(ctx, tx)
	if err != nil || len(foreign) == 0 {
		return nil, err
	}
	if !adopt {
		names := make([]string, len(foreign))
		for i, t := range foreign {
			names[i] = t.name
		}
		return nil, fault.New(fault.CodeExists, "read it without changes, fetch into another file, or fetch with --adopt, which renames these tables (NAME"+asideSuffix+")",
			"another program, for example mixpanel_data, created the database; Mixduck needs the names of these tables: %s", strings.Join(names, ", "))
	}
	all, err := relations(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, t := range foreign {
		aside := t.name + asideSuffix
		for n := 2; ; n++ {
			if _, taken := all[strings.ToLower(aside)]; !taken {
				break
			}
			aside = fmt.Sprintf("%s%s_%d", t.name, asideSuffix, n)
		}
		all[strings.ToLower(aside)] = t
		kind := "TABLE"
		if t.view {
			kind = "VIEW"
		}
		indexes, err := dropIndexes(ctx, tx, t.name)
		if err != nil {
			return nil, err
		}
		rename := fmt.Sprintf("ALTER %s main.%s RENAME TO %s", kind, quoteAny(t.name), quoteAny(aside))
		if _, err := tx.ExecContext(ctx, rename); err != nil {
			return nil, fault.New(fault.CodeExists, "fetch into another file", "rename table %s: %w", t.name, err)
		}
		text := t.name + " is now " + aside
		if len(indexes) > 0 {
			text += ", without its indexes " + strings.Join(indexes, ", ")
		}
		moved = append(moved, text)
	}
	return moved, nil
}

// dropIndexes drops the indexes of a table, with which DuckDB cannot rename it, and returns their names. Those of its primary key
// and unique columns stay.
func dropIndexes(ctx context.Context, tx *sql.Tx, table string) (names []string, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT index_name FROM duckdb_indexes() WHERE database_name = current_database() AND schema_name = 'main' AND table_name = ? ORDER BY ALL", table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := tx.ExecContext(ctx, "DROP INDEX main."+quoteAny(name)); err != nil {
			return nil, fmt.Errorf("drop index %s of table %s: %w", name, table, err)
		}
	}
	return names, nil
}

// Foreign returns the tables of another program that keep a fetch from writing to this database, see [Config.Adopt].
func (e *Engine) Foreign(ctx context.Context) (names []string, err error) {
	if e.closed.Load() {
		return nil, ErrClosed
	}
	if version, err := schemaVersion(ctx, e.inst.db); err != nil || version > 0 {
		return nil, err
	}
	tx, err := e.inst.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	found, err := foreignTables(ctx, tx)
	for _, t := range found {
		names = append(names, t.name)
	}
	return names, err
}

// quoteAny returns any catalog name as an SQL identifier.
func quoteAny(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Moved returns one text for each table that [Config.Adopt] renamed when this database was opened.
func (e *Engine) Moved() []string { return e.inst.moved }
