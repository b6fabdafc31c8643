package storage

import (
	"context"
	"database/sql"
	"time"

	"mixduck/internal/day"
)

// MarkUnavailable records that Mixpanel no longer serves some days of a table, and why. It returns how many of them
// were not stored at all. Stored days keep their rows and state. A second call is harmless. It uses only Name, Job and
// Fence of t; for Fence see [Engine.Load].
func (e *Engine) MarkUnavailable(ctx context.Context, t Table, days []day.Range, reason string) (marked int, err error) {
	err = e.write(ctx, t.Fence, func(conn *sql.Conn) error {
		for _, r := range days {
			from, to := r.From.String(), r.To.String()
			n, err := affected(conn.ExecContext(ctx, `INSERT INTO mixduck.coverage (table_name, day, state, row_count, fetched_at, job_id, reason)
				SELECT ?, asked.day, 'unavailable', 0, ?, ?, ?
				FROM (SELECT unnest(generate_series(?::DATE, ?::DATE, INTERVAL 1 DAY))::DATE AS day) AS asked
				WHERE asked.day NOT IN (SELECT c.day FROM mixduck.coverage AS c WHERE c.table_name = ?)`,
				t.Name, time.Now().UTC(), t.Job, reason, from, to, t.Name))
			if err != nil {
				return err
			}
			marked += int(n)
			const keep = "UPDATE mixduck.coverage SET reason = ? WHERE table_name = ? AND day BETWEEN ? AND ? AND state <> 'unavailable'"
			if _, err := conn.ExecContext(ctx, keep, reason, t.Name, from, to); err != nil {
				return err
			}
		}
		return nil
	})
	return marked, err
}
