package storage

import (
	"context"
	"database/sql"
	_ "embed"
	"strconv"
	"strings"

	"mixduck/internal/day"
	"mixduck/internal/eventline"
)

//go:embed properties/count.sql
var countSQL string

// countProperties counts the properties of the rows that match a condition. It is slower than counting while loading,
// and is not limited by memory: of too many properties or events, the most frequent ones are counted separately.
func countProperties(ctx context.Context, conn *sql.Conn, quoted string, keyed bool, condition string, args ...any) (*propertyCounts, error) {
	date, event := "day", "event_name"
	if keyed {
		date, event = "NULL::DATE", "NULL::VARCHAR"
	}
	query := strings.NewReplacer(
		"{table}", "main."+quoted, "{day}", date, "{event}", event, "{condition}", condition,
		"{events}", strconv.Itoa(eventline.MaxEvents), "{properties}", strconv.Itoa(eventline.MaxProperties),
		"{kinds}", kindNames(), "{other}", string(otherDigit),
	).Replace(countSQL)
	return readProperties(ctx, conn, query, args...)
}

// kindNames returns the names of the kinds as an SQL list, in the order of their digits.
func kindNames() string {
	names := make([]string, 0, eventline.Object+1)
	for k := eventline.String; k <= eventline.Object; k++ {
		names = append(names, literal(k.String()))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// properties returns the counts of the loaded rows, or nil if there were too many properties to count.
func (f *feed) properties() *propertyCounts {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := newPropertyCounts()
	for _, c := range f.censuses {
		if c.Full() {
			return nil
		}
		p.add(c, f.window.Days.From)
	}
	return p
}

// catalogue replaces the counts of the days of the window, and counts some days that older versions have loaded.
func (l *load) catalogue(ctx context.Context) error {
	p, ok := l.properties, l.properties != nil
	if ok && l.w.Add {
		stored, err := storedProperties(ctx, l.conn, l.w.Table, &l.w.Days)
		if err != nil {
			return err
		}
		p.merge(stored, 1)
		if ok = !stored.hasOther(); ok {
			if ok, err = l.counted(ctx); err != nil {
				return err
			}
		}
	}
	if !ok || p.exceeds() {
		var err error
		if p, err = countProperties(ctx, l.conn, l.table, false, "day BETWEEN ? AND ?", l.from(), l.to()); err != nil {
			return err
		}
	}
	if err := replaceProperties(ctx, l.conn, l.w.Table, &l.w.Days, p, l.w.Add); err != nil {
		return err
	}
	return countOlder(ctx, l.conn, l.w.Table, defaultPieceRows)
}

// counted reports whether all stored days of the window are in the catalogue.
func (l *load) counted(ctx context.Context) (is bool, err error) {
	err = l.conn.QueryRowContext(ctx, "SELECT count(*) = 0 FROM mixduck.uncounted WHERE table_name = ? AND day BETWEEN ? AND ?",
		l.w.Table, l.from(), l.to()).Scan(&is)
	return is, err
}

// countOlder counts days that older versions have loaded, the newest first, until they have maxRows rows.
func countOlder(ctx context.Context, conn *sql.Conn, table string, maxRows int64) error {
	quoted, err := quote(table)
	if err != nil {
		return err
	}
	days, err := uncountedDays(ctx, conn, table, maxRows)
	if err != nil {
		return err
	}
	for _, d := range days {
		p, err := countProperties(ctx, conn, quoted, false, "day = ?", d.String())
		if err != nil {
			return err
		}
		if err := replaceProperties(ctx, conn, table, &day.Range{From: d, To: d}, p, false); err != nil {
			return err
		}
	}
	return nil
}

// uncountedDays returns the newest days that are not counted yet: at least one, and at most as many as have maxRows.
func uncountedDays(ctx context.Context, conn *sql.Conn, table string, maxRows int64) (days []day.Day, err error) {
	rows, err := conn.QueryContext(ctx, `SELECT u.day, coalesce(c.row_count, 0) FROM mixduck.uncounted AS u
		LEFT JOIN mixduck.coverage AS c ON c.table_name = u.table_name AND c.day = u.day
		WHERE u.table_name = ? AND u.day IS NOT NULL ORDER BY u.day DESC LIMIT 100`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var at sql.NullTime
		var n int64
		if err := rows.Scan(&at, &n); err != nil {
			return nil, err
		}
		if maxRows -= n; maxRows < 0 && len(days) > 0 {
			break
		}
		days = append(days, day.Of(at.Time))
	}
	return days, rows.Err()
}
