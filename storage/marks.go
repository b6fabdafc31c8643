package storage

import (
	"context"
	"time"

	"mixduck/internal/day"
)

// daysWithMarks finds the days that later fetches changed, or that have lines in quarantine. A line without a known day counts
// for all days of its window.
const daysWithMarks = `
SELECT table_name, day, bool_or(changed), bool_or(quarantined) FROM (
	SELECT table_name, day, true AS changed, false AS quarantined FROM mixduck.changes
	UNION ALL
	SELECT table_name, day, false, true FROM mixduck.quarantine WHERE day IS NOT NULL
	UNION ALL
	SELECT table_name, CAST(unnest(generate_series(from_date, to_date, INTERVAL 1 DAY)) AS DATE), false, true
	FROM (SELECT DISTINCT table_name, from_date, to_date FROM mixduck.quarantine WHERE day IS NULL)
) GROUP BY ALL`

// addMarks sets Changed and Quarantined of the days of tables. A file that is open read-only can be older than the table of
// changes; its days have no marks.
func (e *Engine) addMarks(ctx context.Context, tables map[string][]Coverage) error {
	if known, err := e.hasTable(ctx, "changes"); err != nil || !known {
		return err
	}
	rows, err := e.Query(ctx, daysWithMarks)
	if err != nil {
		return err
	}
	defer rows.Close()
	type mark struct{ changed, quarantined bool }
	marks := map[string]map[day.Day]mark{}
	for rows.Next() {
		var table string
		var at time.Time
		var m mark
		if err := rows.Scan(&table, &at, &m.changed, &m.quarantined); err != nil {
			return err
		}
		if marks[table] == nil {
			marks[table] = map[day.Day]mark{}
		}
		marks[table][day.Of(at)] = m
	}
	for table, days := range tables {
		for i := range days {
			m := marks[table][days[i].Day]
			days[i].Changed, days[i].Quarantined = m.changed, m.quarantined
		}
	}
	return rows.Err()
}
