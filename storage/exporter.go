package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

// Exporter reads a table of events in one read transaction: all that it returns is from the same moment.
type Exporter struct {
	Table   ExportedTable
	conn    *sql.Conn
	quoted  string
	version string // of what applies to all days: promoted properties and refills
}

// ExportedTable describes a table for programs that copy it elsewhere.
type ExportedTable struct {
	Name    string
	Project string // id
	Filter  string // what the table was filled with; "" for all events
	Columns []ExportedColumn
}

// ExportedColumn is a column as [Exporter.Copy] writes it. Types are those of DuckDB: VARCHAR, TIMESTAMPTZ, DATE,
// BIGINT, DOUBLE, BOOLEAN.
type ExportedColumn struct {
	Name string
	Type string
	expr string // that computes it
}

// StoredDay is what a table contains of a day.
type StoredDay struct {
	Coverage

	LoadedAt time.Time // when the rows were loaded, UTC
	Version  string    // differs between any two contents of the day, and is the same for the same content
}

// Export calls fn with a view of a table of events. Until fn returns, the file is locked against writers, so fn must
// not wait for anything but the disk. The error is [ErrNotFound] if there is no such file or table.
func Export(ctx context.Context, cfg Config, table string, fn func(*Exporter) error) error {
	cfg.ReadOnly = true
	return withEngine(ctx, cfg, func(e *Engine) error {
		version, err := schemaVersion(ctx, e.inst.db)
		if err != nil {
			return err
		}
		if version == 0 {
			return &NotFoundError{Path: cfg.Path}
		}
		conn, err := e.conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := conn.ExecContext(context.WithoutCancel(ctx), "BEGIN"); err != nil {
			return err
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // nothing was written
		x := &Exporter{conn: conn, Table: ExportedTable{Name: table}}
		if err := x.describe(ctx, e); err != nil {
			return ended(ctx, err)
		}
		return ended(ctx, fn(x))
	})
}

// describe finds the table, its columns and its version.
func (x *Exporter) describe(ctx context.Context, e *Engine) (err error) {
	if x.quoted, err = quote(x.Table.Name); err != nil {
		return err
	}
	found, err := lookUp(ctx, x.conn, x.Table.Name)
	if err != nil {
		return err
	}
	if found == nil {
		return fault.New(fault.CodeNotFound, "fetch events into it first", "unknown table %s", x.Table.Name)
	}
	if found.kind != events {
		return found.refuse()
	}
	x.Table.Project, x.Table.Filter = found.Project, found.Filter
	properties, err := promotedByName(ctx, x.conn, x.Table.Name)
	if err != nil {
		return err
	}
	x.Table.Columns = exportedColumns(properties)
	for _, c := range x.Table.Columns {
		x.version += c.Name + "\x00" + c.Type + "\x00"
	}
	if known, err := e.hasTable(ctx, "refills"); err != nil || !known {
		return err
	}
	var refilled sql.NullString
	err = x.conn.QueryRowContext(ctx, "SELECT max(refilled_at)::VARCHAR FROM mixduck.refills WHERE table_name = ?", x.Table.Name).Scan(&refilled)
	x.version += refilled.String
	return err
}

// promotedByName returns those promoted properties of a table that people have asked for and all rows have, in column
// order. A read-only file may be from a version without the column auto.
func promotedByName(ctx context.Context, conn *sql.Conn, table string) (all []Promotion, err error) {
	rows, err := conn.QueryContext(ctx, `SELECT p.property, p.type
		FROM (FROM mixduck.promoted UNION ALL BY NAME SELECT NULL::BOOLEAN AS auto WHERE false) AS p
		JOIN duckdb_columns() AS c ON c.table_name = p.table_name AND c.column_name = p.property
		WHERE p.table_name = ? AND p.auto IS NOT TRUE AND c.schema_name = 'main' AND c.database_name = current_database()
		ORDER BY c.column_index`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Promotion
		if err := rows.Scan(&p.Property, &p.Type); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// exportedColumns returns the columns of a table of events, the promoted ones last. Times get their zone.
func exportedColumns(properties []Promotion) []ExportedColumn {
	const utc = " AT TIME ZONE 'UTC'"
	all := []ExportedColumn{
		{"event_name", "VARCHAR", "event_name"},
		{"event_time", "TIMESTAMPTZ", "event_time" + utc},
		{"distinct_id", "VARCHAR", "distinct_id"},
		{"insert_id", "VARCHAR", "insert_id"},
		{"properties", "VARCHAR", "properties::VARCHAR"},
		{"day", "DATE", "day"},
		{"processed_at", "TIMESTAMPTZ", "processed_at" + utc},
	}
	for _, p := range properties {
		c := ExportedColumn{p.Property, string(p.Type), quoteColumn(p.Property)}
		if c.Type == "TIMESTAMP" {
			c.Type, c.expr = "TIMESTAMPTZ", c.expr+utc
		}
		all = append(all, c)
	}
	return all
}

// Days returns the stored days of r in ascending order. Days that Mixpanel no longer served are not stored.
func (x *Exporter) Days(ctx context.Context, r day.Range) ([]StoredDay, error) {
	covered, err := coverage(ctx, x.conn, x.Table.Name, r)
	if err != nil {
		return nil, err
	}
	loads, err := x.loads(ctx, r)
	if err != nil {
		return nil, err
	}
	var all []StoredDay
	for _, c := range covered {
		if c.State == Unavailable {
			continue
		}
		l := loads[c.Day]
		if l.at.IsZero() { // its receipt is gone
			l.at = c.FetchedAt
		}
		text := fmt.Sprintf("%s\x00%d\x00%s\x00%d\x00%s\x00%s\x00%s", c.State, c.Rows, c.Job, l.at.UnixMicro(), l.hash, c.FetchedAt.UTC(), x.version)
		all = append(all, StoredDay{Coverage: c, LoadedAt: l.at.UTC(), Version: fmt.Sprintf("%016x", xxh3.HashString(text))})
	}
	return all, nil
}

// lastLoad is the last load of a day.
type lastLoad struct {
	at   time.Time
	hash string // of the response
}

// loads returns the last load of each day by the job that the coverage names.
func (x *Exporter) loads(ctx context.Context, r day.Range) (map[day.Day]lastLoad, error) {
	rows, err := x.conn.QueryContext(ctx, `SELECT c.day, max(r.loaded_at), arg_max(r.hash, r.loaded_at)
		FROM mixduck.coverage AS c JOIN mixduck.receipts AS r
			ON r.table_name = c.table_name AND r.job_id = c.job_id AND c.day BETWEEN r.from_date AND r.to_date
		WHERE c.table_name = ? AND c.day BETWEEN ? AND ? GROUP BY c.day`, x.Table.Name, r.From.String(), r.To.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[day.Day]lastLoad{}
	for rows.Next() {
		var d time.Time
		var l lastLoad
		if err := rows.Scan(&d, &l.at, &l.hash); err != nil {
			return nil, err
		}
		all[day.Of(d)] = l
	}
	return all, rows.Err()
}

// Copied describes the rows that were copied to a file.
type Copied struct {
	Rows int64
	Sum  string // of the hashes of all rows, independent of their order
}

// ExportRowGroup is the number of rows in a row group of an exported file. DuckDB's default would make readers need
// much memory, because properties are long.
const ExportRowGroup = 32768

// Copy writes the rows of a day to a new Parquet file. ids gives each column its field ID. The caller compares the
// result with that of [SumParquet]: DuckDB does not say what it has written.
func (x *Exporter) Copy(ctx context.Context, d day.Day, path string, ids map[string]int) (Copied, error) {
	var columns, fields []string
	for _, c := range x.Table.Columns {
		columns = append(columns, c.expr+" AS "+quoteColumn(c.Name))
		id, ok := ids[c.Name]
		if !ok {
			return Copied{}, fmt.Errorf("column %s has no field id", c.Name)
		}
		fields = append(fields, fmt.Sprintf("%s: %d", quoteColumn(c.Name), id))
	}
	source := fmt.Sprintf("SELECT %s FROM main.%s WHERE day = DATE '%s'", strings.Join(columns, ", "), x.quoted, d)
	rows, err := affected(x.conn.ExecContext(ctx, fmt.Sprintf(
		"COPY (%s) TO %s (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE %d, FIELD_IDS {%s})",
		source, text(path), ExportRowGroup, strings.Join(fields, ", "))))
	if err != nil {
		return Copied{}, diskFull(err)
	}
	c, err := sumRows(ctx, x.conn, x.Table, "("+source+")")
	if err == nil && c.Rows != rows {
		err = fmt.Errorf("DuckDB copied %d of %d rows of %s", rows, c.Rows, d)
	}
	return c, err
}

// sumRows counts and sums the rows of a source with the columns of a table.
func sumRows(ctx context.Context, conn *sql.Conn, t ExportedTable, source string) (c Copied, err error) {
	names := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		names[i] = quoteColumn(column.Name)
	}
	err = conn.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(hash("+strings.Join(names, ", ")+")), 0)::VARCHAR FROM "+source).Scan(&c.Rows, &c.Sum)
	return c, err
}

// SumParquet reads a Parquet file with the columns of a table and sums its rows like [Exporter.Copy]. cfg has the limits.
func SumParquet(ctx context.Context, cfg Config, t ExportedTable, path string) (c Copied, err error) {
	e, err := Open(ctx, Config{Mode: InMemory, MemoryLimit: cfg.MemoryLimit, Threads: cfg.Threads})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	conn, err := e.conn(ctx)
	if err != nil {
		return c, err
	}
	defer conn.Close()
	c, err = sumRows(ctx, conn, t, "read_parquet("+text(path)+", hive_partitioning = false)")
	return c, ended(ctx, err)
}
