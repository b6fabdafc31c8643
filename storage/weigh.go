package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// weighTimes checks the event times of the loaded rows. If there are few, it includes earlier windows that were read
// in the same zone. The last verdict stays until there is a new one.
func (l *load) weighTimes(ctx context.Context) error {
	fresh := l.feed.evidence()
	n := fresh.events()
	if n == 0 {
		return nil
	}
	var doc, warning string
	err := l.conn.QueryRowContext(ctx, "SELECT evidence, warning FROM mixduck.time_evidence WHERE table_name = ?", l.w.Table).Scan(&doc, &warning)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && n < manyEvents {
		var earlier evidence
		if err := json.Unmarshal([]byte(doc), &earlier); err != nil {
			return err
		}
		if earlier.Zone == fresh.Zone {
			fresh.join(&earlier, min(1, float64(manyEvents)/float64(max(1, earlier.events()))))
		}
	}
	text, known := fresh.warning(l.w.Zone, l.w.Days.From.Start(time.UTC))
	if known {
		warning = text
	}
	l.timeWarning = warning
	stored, err := json.Marshal(fresh)
	if err != nil {
		return err
	}
	if err := l.exec(ctx, "DELETE FROM mixduck.time_evidence WHERE table_name = ?", l.w.Table); err != nil {
		return err
	}
	return l.exec(ctx, "INSERT INTO mixduck.time_evidence VALUES (?, ?, ?, ?)", l.w.Table, string(stored), warning, time.Now().UTC())
}

// timeWarnings returns the warnings about times, by table. A read-only file may be from a version without them.
func timeWarnings(ctx context.Context, e *Engine) (map[string]string, error) {
	if known, err := e.hasTable(ctx, "time_evidence"); err != nil || !known {
		return nil, err
	}
	rows, err := e.Query(ctx, "SELECT table_name, warning FROM mixduck.time_evidence WHERE warning <> ''")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var table, warning string
		if err := rows.Scan(&table, &warning); err != nil {
			return nil, err
		}
		all[table] = warning
	}
	return all, rows.Err()
}
