package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// copier copies all of one attached database into a new file, by DuckDB itself: blocks that are damaged are noticed, and
// the copy holds no free space.
type copier struct {
	conn   *sql.Conn
	source string // name of the attached database
	path   string // of the new file
}

// target is the name under which the new file is attached.
const target = "mixduck_copy"

// run makes the file. It is whole and on the disk on return; on error there is none.
func (c copier) run(ctx context.Context, finish func(*sql.Conn) error) (err error) {
	if err := removeDatabase(c.path); err != nil { // left by a copy that was killed
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
	return syncFile(c.path)
}

// fill copies everything and counts it.
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

// compare makes sure that a table has as many rows in the copy.
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

// text returns s as a literal of SQL.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// identifierOf returns any name that DuckDB itself has given as an identifier of SQL.
func identifierOf(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// removeDatabase removes a file that no instance has open, and its log.
func removeDatabase(path string) error {
	for _, name := range []string{path, path + ".wal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// syncFile makes sure that a file, or the names in a directory, are on the disk.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
