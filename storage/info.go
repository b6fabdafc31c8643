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
	Days      day.Range // from the first stored day to the last; empty if Rows is 0
	Rows      int64
	FetchedAt time.Time // time of the last request for one of its days, UTC; zero if none is stored
}

// Tables returns the metadata of all fetched tables, by name.
func (e *Engine) Tables(ctx context.Context) ([]TableInfo, error) {
	rows, err := e.Query(ctx, "SELECT table_name, from_date, to_date, row_count, fetched_at FROM _metadata ORDER BY table_name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var tables []TableInfo
	for rows.Next() {
		var t TableInfo
		var from, to, fetched sql.NullTime
		if err := rows.Scan(&t.Name, &from, &to, &t.Rows, &fetched); err != nil {
			return nil, err
		}
		if from.Valid && to.Valid {
			t.Days = day.Range{From: day.Of(from.Time), To: day.Of(to.Time)}
		}
		t.FetchedAt = fetched.Time
		tables = append(tables, t)
	}
	return tables, rows.Err()
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
