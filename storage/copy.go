package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"mixduck/internal/filesystem"
)

// copier copies an attached database into a new file with DuckDB. So damaged blocks are noticed, and the copy has no
// free space.
type copier struct {
	conn   *sql.Conn
	source string // name of the attached database
	path   string // path of the new file
}

// target is the name of the attached new file.
const target = "mixduck_copy"

// run creates the file. On success it is complete and synced; on error it does not exist.
func (c copier) run(ctx context.Context, finish func(*sql.Conn) error) (err error) {
	if err := removeDatabase(c.path); err != nil { // left by a killed copy
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(diskFull(ended(ctx, err)), removeDatabase(c.path))
		}
	}()
	if err := c.exec(ctx, "ATTACH "+text(c.path)+" AS "+target+" (STORAGE_VERSION 'v1.5.0')"); err != nil {
		return err
	}
	err = c.fill(ctx)
	if err == nil {
		err = finish(c.conn)
	}
	if err == nil {
		err = c.exec(ctx, "CHECKPOINT "+target)
	}
	err = errors.Join(err, c.exec(context.WithoutCancel(ctx), "DETACH "+target))
	if err != nil {
		return err
	}
	return filesystem.Sync(c.path)
}

// fill copies everything and compares the row counts.
func (c copier) fill(ctx context.Context) error {
	if err := c.exec(ctx, "COPY FROM DATABASE "+identifierOf(c.source)+" TO "+target); err != nil {
		return err
	}
	rows, err := c.conn.QueryContext(ctx, "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY ALL", c.source)
	if err != nil {
		return err
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var schema, table string
		if err := rows.Scan(&schema, &table); err != nil {
			return err
		}
		tables = append(tables, identifierOf(schema)+"."+identifierOf(table))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, table := range tables {
		if err := c.compare(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// compare checks that a table has the same number of rows in the copy.
func (c copier) compare(ctx context.Context, table string) error {
	var had, has int64
	query := "SELECT (SELECT count(*) FROM " + identifierOf(c.source) + "." + table + "), (SELECT count(*) FROM " + target + "." + table + ")"
	if err := c.conn.QueryRowContext(ctx, query).Scan(&had, &has); err != nil {
		return err
	}
	if had != has {
		return fmt.Errorf("table %s has %d rows, but its copy has %d", table, had, has)
	}
	return nil
}

func (c copier) exec(ctx context.Context, query string) error {
	_, err := c.conn.ExecContext(ctx, query)
	return err
}

// text returns s as an SQL string literal.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// identifierOf returns a name from DuckDB's catalog as an SQL identifier.
func identifierOf(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// removeDatabase removes a database file that is not open, and its logs.
func removeDatabase(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return removeLogs(path)
}
