package storage

import (
	"context"
	"database/sql"
	"time"

	"mixduck/internal/day"
)

// TableInfo is what is known of a table that fetches fill.
type TableInfo struct {
	Name      string
	Days      day.Range // from the first to the last that is stored; none where Rows is 0
	Rows      int64
	FetchedAt time.Time // when a day of it was last asked for, UTC; zero if none is stored
}

// Tables returns what is known of the tables that fetches fill, by name.
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

// ResultSet is the rows of a statement, as database/sql has them: Next, Scan, Err, Close.
type ResultSet = sql.Rows

// Query runs a statement and returns its rows, which the caller closes. They are held in memory: see [Session] for more.
func (e *Engine) Query(ctx context.Context, query string, args ...any) (*ResultSet, error) {
	if e.closed.Load() {
		return nil, ErrClosed
	}
	return e.inst.db.QueryContext(ctx, query, args...)
}
