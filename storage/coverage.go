package storage

import (
	"context"
	"database/sql"
	"time"

	"mixduck/internal/day"
)

// CoverageState is how completely a day is stored.
type CoverageState string

// The states of days with known coverage.
const (
	Complete    CoverageState = "complete"    // requested after the day ended; late events can still arrive
	Partial     CoverageState = "partial"     // requested before the day ended
	Unavailable CoverageState = "unavailable" // not stored, and Mixpanel no longer serves it
)

// Coverage says what is stored of a day.
type Coverage struct {
	Day       day.Day
	State     CoverageState
	Rows      int64
	FetchedAt time.Time
	Job       string
	Reason    string // why the day, or the rest of it, is unavailable; "" for other days

	Changed     bool // a later fetch changed the stored day; see mixduck.changes
	Quarantined bool // lines in quarantine belong, or may belong, to the day
}

// Coverage returns the coverage of the days of r, in ascending order. Days that were never fetched are not in the
// list. Days without events are, with no rows.
func (e *Engine) Coverage(ctx context.Context, table string, r day.Range) ([]Coverage, error) {
	if e.closed.Load() {
		return nil, ErrClosed
	}
	version, err := schemaVersion(ctx, e.inst.db)
	if err != nil || version == 0 { // a writer was interrupted before it had written anything
		return nil, err
	}
	conn, err := e.conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	all, err := coverage(ctx, conn, table, r)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all, e.addMarks(ctx, map[string][]Coverage{table: all})
}

func coverage(ctx context.Context, conn *sql.Conn, table string, r day.Range) ([]Coverage, error) {
	// A read-only file may be from a version without the column reason.
	rows, err := conn.QueryContext(ctx, `SELECT day, state, row_count, fetched_at, job_id, coalesce(reason, '')
		FROM (FROM mixduck.coverage UNION ALL BY NAME SELECT NULL::VARCHAR AS reason WHERE false)
		WHERE table_name = ? AND day BETWEEN ? AND ? ORDER BY day`, table, r.From.String(), r.To.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Coverage
	for rows.Next() {
		var c Coverage
		var d time.Time
		if err := rows.Scan(&d, &c.State, &c.Rows, &c.FetchedAt, &c.Job, &c.Reason); err != nil {
			return nil, err
		}
		c.Day = day.Of(d)
		all = append(all, c)
	}
	return all, rows.Err()
}

// receipts returns the windows of a table that a job has committed, ordered by day.
func receipts(ctx context.Context, conn *sql.Conn, table, job string) ([]Receipt, error) {
	rows, err := conn.QueryContext(ctx, `SELECT from_date, to_date, lines, row_count, duplicates, quarantined, bytes, hash,
			added, removed, updated, joined, extra, extra_keys
		FROM mixduck.receipts WHERE table_name = ? AND job_id = ? ORDER BY from_date`, table, job)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Receipt
	for rows.Next() {
		var r Receipt
		var from, to time.Time
		if err := rows.Scan(&from, &to, &r.Lines, &r.Rows, &r.Duplicates, &r.Quarantined, &r.Bytes, &r.Hash,
			&r.Added, &r.Removed, &r.Updated, &r.Joined, &r.Extra, &r.ExtraKeys); err != nil {
			return nil, err
		}
		r.Days = day.Range{From: day.Of(from), To: day.Of(to)}
		all = append(all, r)
	}
	return all, rows.Err()
}
