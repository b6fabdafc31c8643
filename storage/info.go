package storage

import (
	"context"
	"database/sql"
	"time"

	"mixduck/internal/day"
)

// TableInfo is the metadata of a fetched table.
type TableInfo struct {
	Name      string
	Type      string    // events, or the stream of a keyed table: profiles, cohorts …
	Days      day.Range // from the first stored day to the last; empty if Rows is 0
	Rows      int64
	FetchedAt time.Time // time of the last request for one of its days, or of the last refresh, UTC; zero if nothing is stored

	// For keyed tables only; see [Keyed].

	Filter  string
	History bool
	FullAt  time.Time // when the last full refresh sent its first request, UTC; zero if there was none
}

// Tables returns the metadata of all fetched tables, by name.
func (e *Engine) Tables(ctx context.Context) ([]TableInfo, error) {
	rows, err := e.Query(ctx, "SELECT table_name, type, from_date, to_date, row_count, fetched_at FROM _metadata ORDER BY table_name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var tables []TableInfo
	for rows.Next() {
		var t TableInfo
		var from, to, fetched sql.NullTime
		if err := rows.Scan(&t.Name, &t.Type, &from, &to, &t.Rows, &fetched); err != nil {
			return nil, err
		}
		if from.Valid && to.Valid {
			t.Days = day.Range{From: day.Of(from.Time), To: day.Of(to.Time)}
		}
		t.FetchedAt = fetched.Time
		tables = append(tables, t)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return tables, e.describeKeyed(ctx, tables)
}

// describeKeyed adds information for keyed tables only. A file opened read-only may be older than these tables.
func (e *Engine) describeKeyed(ctx context.Context, tables []TableInfo) error {
	if known, err := e.hasTable(ctx, "keyed"); err != nil || !known {
		return err
	}
	rows, err := e.Query(ctx, "SELECT k.table_name, t.filter, k.history, k.full_at FROM mixduck.keyed AS k JOIN mixduck.tables AS t USING (table_name)")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k TableInfo
		var full sql.NullTime
		if err := rows.Scan(&k.Name, &k.Filter, &k.History, &full); err != nil {
			return err
		}
		for i := range tables {
			if t := &tables[i]; t.Name == k.Name {
				t.Filter, t.History, t.FullAt = k.Filter, k.History, full.Time
			}
		}
	}
	return rows.Err()
}

// hasTable reports whether the schema mixduck has a table.
func (e *Engine) hasTable(ctx context.Context, name string) (bool, error) {
	if e.closed.Load() {
		return false, ErrClosed
	}
	return hasTable(ctx, e.inst.db, name)
}

func hasTable(ctx context.Context, db *sql.DB, name string) (found bool, err error) {
	const known = "SELECT count(*) > 0 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'mixduck' AND table_name = ?"
	err = db.QueryRowContext(ctx, known, name).Scan(&found)
	return found, err
}

// ResultSet contains the rows of a statement, as in database/sql: Next, Scan, Err, Close.
type ResultSet = sql.Rows

// Query runs a statement and returns its rows. The caller closes them. All rows are in memory; for large results see
// [Session].
func (e *Engine) Query(ctx context.Context, query string, args ...any) (*ResultSet, error) {
	if e.closed.Load() {
		return nil, ErrClosed
	}
	return e.inst.db.QueryContext(ctx, query, args...)
}
