package storage

import (
	"context"
	"database/sql"
	"time"

	"mixduck/internal/day"
)

// CoverageState is how completely a day is stored.
type CoverageState string

// The states of a day of which anything is known.
const (
	Complete    CoverageState = "complete"    // asked after the day was over; late events can still come
	Partial     CoverageState = "partial"     // asked before the day was over
	Unavailable CoverageState = "unavailable" // not stored, and not to be had any more
)

// Coverage says what is stored of a day.
type Coverage struct {
	Day       day.Day
	State     CoverageState
	Rows      int64
	FetchedAt time.Time
	Job       string
	Reason    string // why it is not to be had, or its rest is not; "" for others
}

// Coverage returns what is known of the days of r, in ascending order. Days that have never been fetched are not
// listed; a day without events is, with no rows.
func (e *Engine) Coverage(ctx context.Context, table string, r day.Range) ([]Coverage, error) {
	if e.closed.Load() {
		return nil, ErrClosed
	}
	version, err := schemaVersion(ctx, e.inst.db)
	if err != nil || version == 0 { // a writer was cut off before it had written anything
		return nil, err
	}
	conn, err := e.conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return coverage(ctx, conn, table, r)
}

func coverage(ctx context.Context, conn *sql.Conn, table string, r day.Range) ([]Coverage, error) {
	// A file that is only read may have been written before there were reasons.
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

// receipts returns the windows of a table that a job has committed, in the order of their days.
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
