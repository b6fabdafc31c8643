package storage

import (
	"context"
	"fmt"

	"mixduck/internal/day"
)

// The hashed keys of rows, as in [seen]. Properties are most of the stored data, so they are read only for rows
// without an $insert_id. Older versions could store such a row twice, with its keys in another order. Temporary tables
// end with a failed transaction, or are dropped explicitly.
const (
	keyColumns = "hash(event_name, event_time, distinct_id, insert_id) AS key, processed_at"
	restOfKeys = "hash(event_name, mixduck_content(properties::VARCHAR)) AS key, max(processed_at) AS processed_at"
	ofDays     = " WHERE day BETWEEN ? AND ? AND insert_id IS "
)

// keys returns a statement that selects the keys of the window's rows.
func (l *load) keys() (query string, args []any) {
	query = "SELECT " + keyColumns + " FROM " + l.table + ofDays + "NOT NULL UNION ALL SELECT " + restOfKeys + " FROM " + l.table + ofDays + "NULL GROUP BY key"
	return query, []any{l.from(), l.to(), l.from(), l.to()}
}

// rememberKeys stores the keys of rows that will be replaced, if there are any.
func (l *load) rememberKeys(ctx context.Context) error {
	if len(l.before) == 0 || l.w.Add {
		return nil
	}
	query, args := l.keys()
	return l.exec(ctx, "CREATE OR REPLACE TEMP TABLE replaced AS "+query, args...)
}

// compare counts the changes on days that were stored before. Other days are new, which is not a change.
func (l *load) compare(ctx context.Context, after map[day.Day]int64) (added, removed, updated int64, err error) {
	stored, err := coverage(ctx, l.conn, l.w.Table, l.w.Days)
	if err != nil {
		return 0, 0, 0, err
	}
	var known int64 // rows
	for _, c := range stored {
		if c.State == Unavailable {
			continue
		}
		known += after[c.Day]
		added += after[c.Day] - l.before[c.Day]
	}
	if l.w.Add || len(l.before) == 0 {
		return added, 0, 0, nil
	}
	query, args := l.keys()
	var same int64
	err = l.conn.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (o.processed_at IS DISTINCT FROM n.processed_at)
		FROM replaced AS o JOIN (`+query+`) AS n USING (key)`, args...).Scan(&same, &updated)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("compare with stored rows: %w", err)
	}
	before := known - added
	return max(0, known-same), max(0, before-same), updated, l.exec(ctx, "DROP TABLE replaced")
}
