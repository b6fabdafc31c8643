package storage

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"mixduck/internal/day"
)

// The hashed keys of rows, as in [seen]. Properties are most of the stored data, so they are read only for rows
// without an $insert_id. Older versions could store such a row twice, with its keys in another order. Temporary tables
// end with a failed transaction, or are dropped explicitly.
const (
	keyColumns = "hash(event_name, event_time, distinct_id, insert_id) AS key, day, processed_at"
	restOfKeys = "hash(event_name, mixduck_content(properties::VARCHAR)) AS key, day, max(processed_at) AS processed_at"
	ofDays     = " WHERE day BETWEEN ? AND ? AND insert_id IS "
)

// keys returns a statement that selects the keys of the window's rows.
func (l *load) keys() (query string, args []any) {
	query = "SELECT " + keyColumns + " FROM " + l.table + ofDays + "NOT NULL UNION ALL SELECT " + restOfKeys + " FROM " + l.table + ofDays + "NULL GROUP BY key, day"
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

// dayChange is how a stored day has changed.
type dayChange struct {
	day                     day.Day
	added, removed, updated int64 // rows
}

// compare returns the changes of days that were stored before, and their sums. Other days are new, which is not a change.
func (l *load) compare(ctx context.Context, after map[day.Day]int64) (changed []dayChange, sum dayChange, err error) {
	stored, err := coverage(ctx, l.conn, l.w.Table, l.w.Days)
	if err != nil {
		return nil, sum, err
	}
	same, updated, moved := map[day.Day]int64{}, map[day.Day]int64{}, int64(0)
	replaced := !l.w.Add && len(l.before) > 0
	if replaced {
		if moved, err = l.compareKeys(ctx, same, updated); err != nil {
			return nil, sum, fmt.Errorf("compare with stored rows: %w", err)
		}
	}
	for _, c := range stored {
		if c.State == Unavailable {
			continue
		}
		d := dayChange{day: c.Day, added: after[c.Day] - l.before[c.Day]}
		if replaced {
			d.added, d.removed, d.updated = max(0, after[c.Day]-same[c.Day]), max(0, l.before[c.Day]-same[c.Day]), updated[c.Day]
		}
		if d.added != 0 || d.removed != 0 || d.updated != 0 {
			changed = append(changed, d)
		}
		sum.added, sum.removed, sum.updated = sum.added+d.added, sum.removed+d.removed, sum.updated+d.updated
	}
	sum.added, sum.removed = max(0, sum.added-moved), max(0, sum.removed-moved)
	return changed, sum, nil
}

// compareKeys compares the keys of stored and replaced rows. It counts rows that are in both on the same day, those of
// them that were processed again, and rows that have moved to another day, which are no change of the whole.
func (l *load) compareKeys(ctx context.Context, same, updated map[day.Day]int64) (moved int64, err error) {
	query, args := l.keys()
	rows, err := l.conn.QueryContext(ctx, `SELECT n.day, count(*), count(*) FILTER (o.day = n.day), count(*) FILTER (o.processed_at IS DISTINCT FROM n.processed_at)
		FROM replaced AS o JOIN (`+query+`) AS n USING (key) GROUP BY n.day`, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var at time.Time
		var both, stayed, again int64
		if err := rows.Scan(&at, &both, &stayed, &again); err != nil {
			return 0, err
		}
		same[day.Of(at)], updated[day.Of(at)] = stayed, again
		moved += both - stayed
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	return moved, l.exec(ctx, "DROP TABLE replaced")
}

// changesKept is how long changes are kept: a year and a month, so that a month can be compared with that of last year.
const changesKept = 400 * 24 * time.Hour

// recordChanges writes the changes of days, and deletes those of all tables that are too old.
func (l *load) recordChanges(ctx context.Context, changed []dayChange, now time.Time) error {
	if len(changed) == 0 {
		return nil
	}
	if err := l.exec(ctx, "DELETE FROM mixduck.changes WHERE loaded_at < ?", now.Add(-changesKept)); err != nil {
		return err
	}
	return appendRows(ctx, l.conn, "", "mixduck", "changes", func(yield func([]driver.Value) bool) {
		for _, c := range changed {
			if !yield([]driver.Value{l.w.Table, c.day.Start(time.UTC), l.w.Job, c.added, c.removed, c.updated, now}) {
				return
			}
		}
	})
}
