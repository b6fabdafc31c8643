package storage

import (
	"cmp"
	"context"
	"database/sql"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

// EventCounts is the number of events in a table, with what can explain why Mixpanel's counts differ.
type EventCounts struct {
	Project     string // of the events
	Filter      string // in the form of [Table.Filter]; "" means all events
	Rows        map[day.Day]map[string]int64
	InZone      map[day.Day]map[string]int64 // the same rows by days in a time zone
	Quarantined map[day.Day]int64            // lines that are not events, except those without a known day
	Coverage    map[day.Day]Coverage
	TimeWarning string // what is wrong with event times; "" if nothing is known
}

// CountEvents counts the events of a table by day and name, all at one point in time. InZone also needs the days next
// to r: if they are not stored, the counts of its first and last day are too small.
func (e *Engine) CountEvents(ctx context.Context, table string, r day.Range, zone *time.Location) (EventCounts, error) {
	counts := EventCounts{
		Rows: map[day.Day]map[string]int64{}, InZone: map[day.Day]map[string]int64{},
		Quarantined: map[day.Day]int64{}, Coverage: map[day.Day]Coverage{},
	}
	none := fault.New(fault.CodeNotFound, "see 'inspect tables'", "there is no table %s of fetched events", table)
	conn, err := e.conn(ctx)
	if err != nil {
		return counts, err
	}
	defer conn.Close()
	if version, err := schemaVersion(ctx, e.inst.db); err != nil || version == 0 {
		return counts, cmp.Or(err, none)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return counts, err
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	found, err := lookUp(ctx, conn, table)
	switch {
	case err != nil:
		return counts, err
	case found == nil:
		return counts, none
	case found.kind != "events":
		return counts, found.refuse()
	}
	counts.Project, counts.Filter = found.Project, found.Filter
	if err := counts.countRows(ctx, conn, table, r, zone); err != nil {
		return counts, err
	}
	stored, err := coverage(ctx, conn, table, r)
	if err != nil {
		return counts, err
	}
	for _, c := range stored {
		counts.Coverage[c.Day] = c
	}
	if err := counts.countQuarantine(ctx, conn, table, r); err != nil {
		return counts, err
	}
	warnings, err := timeWarnings(ctx, e)
	counts.TimeWarning = warnings[table]
	return counts, err
}

func (c *EventCounts) countRows(ctx context.Context, conn *sql.Conn, table string, r day.Range, zone *time.Location) error {
	quoted, err := quote(table)
	if err != nil {
		return err
	}
	rows, err := conn.QueryContext(ctx, `SELECT day, timezone(?, timezone('UTC', event_time))::DATE AS zone_day, event_name, count(*)
		FROM `+quoted+` WHERE day BETWEEN ? AND ? GROUP BY ALL`, zone.String(), (r.From - 1).String(), (r.To + 1).String())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var stored, inZone time.Time
		var name string
		var n int64
		if err := rows.Scan(&stored, &inZone, &name, &n); err != nil {
			return err
		}
		add(c.Rows, r, day.Of(stored), name, n)
		add(c.InZone, r, day.Of(inZone), name, n)
	}
	return rows.Err()
}

// add counts n events of d if it is one of the days of r.
func add(counts map[day.Day]map[string]int64, r day.Range, d day.Day, name string, n int64) {
	if d < r.From || d > r.To {
		return
	}
	if counts[d] == nil {
		counts[d] = map[string]int64{}
	}
	counts[d][name] += n
}

func (c *EventCounts) countQuarantine(ctx context.Context, conn *sql.Conn, table string, r day.Range) error {
	rows, err := conn.QueryContext(ctx, "SELECT day, count(*) FROM mixduck.quarantine WHERE table_name = ? AND day BETWEEN ? AND ? GROUP BY ALL",
		table, r.From.String(), r.To.String())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var d time.Time
		var n int64
		if err := rows.Scan(&d, &n); err != nil {
			return err
		}
		c.Quarantined[day.Of(d)] = n
	}
	return rows.Err()
}
