package storage

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"iter"
	"slices"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/eventline"
)

// propertyKey identifies a row of mixduck.property_counts of a table. Day and event are NULL in keyed tables, kind is
// NULL for the rows of the event.
type propertyKey struct {
	day                   sql.Null[day.Day]
	event, property, kind sql.NullString
}

// otherKind is the JSON type of properties beyond the limits.
const otherKind = "other"

// propertyCounts are the counts of some days, or of a keyed table, and examples.
type propertyCounts struct {
	rows     map[propertyKey]int64
	examples map[propertyKey]string // each from a row of the day
}

func newPropertyCounts() *propertyCounts {
	return &propertyCounts{map[propertyKey]int64{}, map[propertyKey]string{}}
}

// valid returns a value that is not NULL.
func valid(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

// add adds the counts of a census of events whose first day is from.
func (p *propertyCounts) add(c *eventline.Census, from day.Day) {
	for t := range c.All() {
		p.tally(&t, sql.Null[day.Day]{V: from + day.Day(t.Day), Valid: true}, valid(t.Event))
	}
}

// addKeyed adds the counts of a census of a keyed table.
func (p *propertyCounts) addKeyed(c *eventline.Census) {
	for t := range c.All() {
		p.tally(&t, sql.Null[day.Day]{}, sql.NullString{})
	}
}

func (p *propertyCounts) tally(t *eventline.Tally, d sql.Null[day.Day], event sql.NullString) {
	key := propertyKey{day: d, event: event}
	if t.IsEvent {
		p.change(key, t.Rows)
		return
	}
	key.property, key.kind = valid(t.Property), valid(t.Kind.String())
	p.change(key, t.Rows)
	if t.Example.Day == t.Day {
		p.examples[key] = t.Example.Text
	}
}

// merge adds the counts of o, multiplied by sign.
func (p *propertyCounts) merge(o *propertyCounts, sign int64) {
	for key, n := range o.rows {
		p.change(key, sign*n)
	}
}

// remove takes one row of an event away, which was counted before.
func (p *propertyCounts) remove(d day.Day, event string, properties []byte) {
	key := propertyKey{day: sql.Null[day.Day]{V: d, Valid: true}, event: valid(event)}
	p.change(key, -1)
	seen := map[string]struct{}{}
	eventline.Fields(properties, func(name, value []byte, kind eventline.Kind) {
		if _, twice := seen[string(name)]; twice {
			return
		}
		seen[string(name)] = struct{}{}
		key.property, key.kind = valid(string(name)), valid(kind.String())
		p.change(key, -1)
		if p.examples[key] == eventline.Shorten(value) {
			delete(p.examples, key)
		}
	})
}

// change adds n to a count. Counts that become 0 vanish.
func (p *propertyCounts) change(key propertyKey, n int64) {
	if p.rows[key] += n; p.rows[key] == 0 {
		delete(p.rows, key)
		delete(p.examples, key)
	}
}

// exceeds reports whether the counts need the rules for too many properties or events.
func (p *propertyCounts) exceeds() bool {
	if len(p.rows) <= eventline.MaxEvents {
		return false
	}
	type group struct {
		day   sql.Null[day.Day]
		event sql.NullString
	}
	events, properties := map[sql.Null[day.Day]]int{}, map[group]map[string]struct{}{}
	for key := range p.rows {
		g := group{key.day, key.event}
		switch {
		case !key.kind.Valid:
			events[key.day]++
		case key.kind.String == otherKind:
			return true
		case properties[g] == nil:
			properties[g] = map[string]struct{}{}
		}
		if key.property.Valid {
			properties[g][key.property.String] = struct{}{}
		}
	}
	for _, n := range events {
		if n > eventline.MaxEvents {
			return true
		}
	}
	for _, names := range properties {
		if len(names) > eventline.MaxProperties {
			return true
		}
	}
	return false
}

// hasOther reports whether some properties are counted together, so that nothing can be added to the counts.
func (p *propertyCounts) hasOther() bool {
	for key := range p.rows {
		if key.kind.String == otherKind {
			return true
		}
	}
	return false
}

// sorted yields the keys in the order in which they are stored, which compresses best.
func sorted[V any](all map[propertyKey]V) []propertyKey {
	keys := make([]propertyKey, 0, len(all))
	for key := range all {
		keys = append(keys, key)
	}
	null := func(a, b sql.NullString) int {
		return cmp.Or(boolOrder(a.Valid, b.Valid), cmp.Compare(a.String, b.String))
	}
	slices.SortFunc(keys, func(a, b propertyKey) int {
		return cmp.Or(cmp.Compare(a.day.V, b.day.V), null(a.event, b.event), null(a.property, b.property), null(a.kind, b.kind))
	})
	return keys
}

// values returns the first columns of a row.
func (k *propertyKey) values(table string) []driver.Value {
	row := []driver.Value{table, nil}
	if k.day.Valid {
		row[1] = k.day.V.Start(time.UTC)
	}
	for _, v := range []sql.NullString{k.event, k.property, k.kind} {
		if v.Valid {
			row = append(row, v.String)
		} else {
			row = append(row, nil)
		}
	}
	return row
}

// ofRange returns the condition of the rows of a range of days. The nil range is that of keyed tables.
func ofRange(r *day.Range) (condition string, args []any) {
	if r == nil {
		return "day IS NULL", nil
	}
	return "day BETWEEN ? AND ?", []any{r.From.String(), r.To.String()}
}

// replaceProperties replaces the stored counts of all days of r. With keep, examples stay, because no row was removed.
func replaceProperties(ctx context.Context, conn *sql.Conn, table string, r *day.Range, p *propertyCounts, keep bool) error {
	condition, args := ofRange(r)
	args = append([]any{table}, args...)
	from := []string{"mixduck.property_counts", "mixduck.uncounted"}
	if !keep {
		from = append(from, "mixduck.property_examples")
	}
	for _, name := range from {
		if _, err := conn.ExecContext(ctx, "DELETE FROM "+name+" WHERE table_name = ? AND "+condition, args...); err != nil {
			return err
		}
	}
	return insertProperties(ctx, conn, table, p)
}

// insertProperties stores counts, and the examples of properties that have none.
func insertProperties(ctx context.Context, conn *sql.Conn, table string, p *propertyCounts) error {
	err := appendRows(ctx, conn, "", "mixduck", "property_counts", func(yield func([]driver.Value) bool) {
		for _, key := range sorted(p.rows) {
			if !yield(append(key.values(table), p.rows[key])) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	has, err := exemplified(ctx, conn, table)
	if err != nil {
		return err
	}
	return appendRows(ctx, conn, "", "mixduck", "property_examples", p.lacking(table, has))
}

// lacking yields the examples of properties that are not in has.
func (p *propertyCounts) lacking(table string, has map[propertyKey]bool) iter.Seq[[]driver.Value] {
	return func(yield func([]driver.Value) bool) {
		for _, key := range sorted(p.examples) {
			dayless := key
			dayless.day = sql.Null[day.Day]{}
			if has[dayless] {
				continue
			}
			has[dayless] = true
			if !yield(append(key.values(table), p.examples[key])) {
				return
			}
		}
	}
}

// exemplified returns the properties with an example, without days.
func exemplified(ctx context.Context, conn *sql.Conn, table string) (map[propertyKey]bool, error) {
	rows, err := conn.QueryContext(ctx, "SELECT event_name, property, json_type FROM mixduck.property_examples WHERE table_name = ?", table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	has := map[propertyKey]bool{}
	for rows.Next() {
		var key propertyKey
		if err := rows.Scan(&key.event, &key.property, &key.kind); err != nil {
			return nil, err
		}
		has[key] = true
	}
	return has, rows.Err()
}

// readProperties returns the rows of a query: day, event_name, property, json_type, row_count and example.
func readProperties(ctx context.Context, conn *sql.Conn, query string, args ...any) (*propertyCounts, error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	p := newPropertyCounts()
	for rows.Next() {
		var key propertyKey
		var at sql.NullTime
		var n int64
		var example sql.NullString
		if err := rows.Scan(&at, &key.event, &key.property, &key.kind, &n, &example); err != nil {
			return nil, err
		}
		if at.Valid {
			key.day = sql.Null[day.Day]{V: day.Of(at.Time), Valid: true}
		}
		p.rows[key] = n
		if example.Valid {
			p.examples[key] = example.String
		}
	}
	return p, rows.Err()
}

// storedProperties returns the stored counts of some days, or of a keyed table.
func storedProperties(ctx context.Context, conn *sql.Conn, table string, r *day.Range) (*propertyCounts, error) {
	condition, args := ofRange(r)
	return readProperties(ctx, conn, `SELECT day, event_name, property, json_type, row_count, NULL::VARCHAR
		FROM mixduck.property_counts WHERE table_name = ? AND `+condition, append([]any{table}, args...)...)
}
