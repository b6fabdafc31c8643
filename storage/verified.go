package storage

import (
	"context"
	"database/sql"
	"time"

	"mixduck/internal/day"
)

// Verified is what a comparison of a table of events with Mixpanel's counts has found.
type Verified struct {
	Days        day.Range // compared; the zero value for none
	Events      int       // event names compared
	Differences int       // events on a day that are counted differently
	Repaired    int       // days that were fetched again
	Requests    int       // sent for the comparison
	Problem     string    // why nothing was compared, or days were not fetched again; "" for none
	At          time.Time // zero if the table was never compared
}

// KeepVerified stores what a comparison has found. For fence see [Engine.Load].
func (e *Engine) KeepVerified(ctx context.Context, table, job string, v Verified, fence int64) error {
	return e.write(ctx, fence, func(conn *sql.Conn) error {
		var from, to any
		if v.Days != (day.Range{}) {
			from, to = v.Days.From.String(), v.Days.To.String()
		}
		if _, err := conn.ExecContext(ctx, "DELETE FROM mixduck.verified WHERE table_name = ? AND job_id = ?", table, job); err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, "INSERT INTO mixduck.verified VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			table, from, to, v.Events, v.Differences, v.Repaired, v.Requests, v.Problem, job, v.At.UTC())
		return err
	})
}

// addVerified adds the last comparison of each table. A file that is only read may be older than comparisons are.
func (e *Engine) addVerified(ctx context.Context, all []TableState) error {
	if known, err := e.hasTable(ctx, "verified"); err != nil || !known {
		return err
	}
	rows, err := e.Query(ctx, `SELECT table_name, from_date, to_date, events, differences, repaired, requests, problem, verified_at
		FROM mixduck.verified QUALIFY row_number() OVER (PARTITION BY table_name ORDER BY verified_at DESC) = 1`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var v Verified
		var table string
		var from, to sql.NullTime
		if err := rows.Scan(&table, &from, &to, &v.Events, &v.Differences, &v.Repaired, &v.Requests, &v.Problem, &v.At); err != nil {
			return err
		}
		if from.Valid && to.Valid {
			v.Days = day.Range{From: day.Of(from.Time), To: day.Of(to.Time)}
		}
		for i := range all {
			if all[i].Name == table {
				all[i].Verified = v
			}
		}
	}
	return rows.Err()
}
