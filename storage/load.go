package storage

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/cgo"
	"sync"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/eventline"
)

// Load stores a window in one transaction: fence, rows, quarantined lines, coverage and receipt, or nothing. On any
// error, including one from w.Lines, the stored data is unchanged.
//
// If w.Fence is not 0 and lower than the stored fence, a later writer has taken over, and Load returns [ErrFenced].
// Load waits while this process writes the same file. It returns only after its goroutines have ended, even if ctx
// ends.
func (e *Engine) Load(ctx context.Context, w Window) (Receipt, error) {
	table, err := quote(w.Table)
	if err != nil {
		return Receipt{}, err
	}
	l := &load{w: w, table: table, maxBadBytes: cmp.Or(e.maxBadBytes, defaultMaxBadBytes)}
	defer l.forget()
	err = e.write(ctx, w.Fence, func(conn *sql.Conn) error {
		l.conn = conn
		return l.run(ctx)
	})
	if err != nil {
		return Receipt{}, err
	}
	return l.receipt, nil
}

// load is the load of one window, inside one transaction.
type load struct {
	w       Window
	table   string // quoted
	conn    *sql.Conn
	feed    *feed
	handle  cgo.Handle        // handle of feed; 0 before there is one
	before  map[day.Day]int64 // rows per day
	receipt Receipt

	properties *propertyCounts // of the new rows; nil if they must be counted once they are stored

	timeWarning string
	maxBadBytes int64 // see [feed]
}

func (l *load) run(ctx context.Context) error {
	var err error
	if l.before, err = l.countDays(ctx); err != nil {
		return err
	}
	if err := l.rememberKeys(ctx); err != nil {
		return err
	}
	var replaced int64
	if !l.w.Add {
		replaced, err = affected(l.conn.ExecContext(ctx, "DELETE FROM "+l.table+" WHERE day BETWEEN ? AND ?", l.from(), l.to()))
		if err != nil {
			return err
		}
	}
	if replaced > 0 {
		if err := allowVacuum(ctx, l.conn); err != nil {
			return err
		}
	}
	if err := l.insert(ctx); err != nil {
		return err
	}
	if l.feed.lines.Load() == 0 && !l.w.AllowEmpty {
		return ErrEmpty
	}
	l.properties = l.feed.properties()
	if err := l.dropOverridden(ctx); err != nil {
		return err
	}
	if err := l.catalogue(ctx); err != nil {
		return err
	}
	if err := l.setAside(ctx); err != nil {
		return err
	}
	if err := l.weighTimes(ctx); err != nil {
		return err
	}
	return l.account(ctx)
}

func (l *load) from() string { return l.w.Days.From.String() }
func (l *load) to() string   { return l.w.Days.To.String() }

func (l *load) exec(ctx context.Context, query string, args ...any) error {
	_, err := l.conn.ExecContext(ctx, query, args...)
	return err
}

// countDays returns the number of rows of each day of the window with rows.
func (l *load) countDays(ctx context.Context) (map[day.Day]int64, error) {
	rows, err := l.conn.QueryContext(ctx,
		"SELECT day, count(*) FROM "+l.table+" WHERE day BETWEEN ? AND ? GROUP BY day", l.from(), l.to())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[day.Day]int64{}
	for rows.Next() {
		var d time.Time
		var n int64
		if err := rows.Scan(&d, &n); err != nil {
			return nil, err
		}
		counts[day.Of(d)] = n
	}
	return counts, rows.Err()
}

// insert feeds the lines through the table function, and checks that all rows were inserted.
func (l *load) insert(ctx context.Context) error {
	columns, err := columnsOf(ctx, l.conn, l.w.Table)
	if err != nil {
		return err
	}
	f := newFeed(l.w, promotions(columns), l.maxBadBytes)
	l.feed = f
	if l.w.Add {
		if err := l.remember(ctx, f.seen); err != nil {
			return err
		}
	}
	l.handle = cgo.NewHandle(f)
	ctx, stop := context.WithCancel(ctx)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer stop()
	reader.Go(func() { f.blocks.Read(ctx) })

	inserted, err := affected(l.conn.ExecContext(ctx, "INSERT INTO "+l.table+" BY NAME "+selectFed(columns), int64(l.handle), len(columns)))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if err == nil && inserted != f.rows.Load() {
		err = fmt.Errorf("DuckDB inserted %d of %d rows", inserted, f.rows.Load())
	}
	return err
}

// forget releases the feed's handle. It must run after the transaction ends: after an interrupt, DuckDB can still
// start a thread for the old statement when the connection is used again.
func (l *load) forget() {
	if l.handle != 0 {
		l.handle.Delete()
	}
}

// remember adds the stored rows of the window to s.
func (l *load) remember(ctx context.Context, s *seen) error {
	rows, err := l.conn.QueryContext(ctx, `SELECT event_name, epoch_us(event_time), coalesce(distinct_id, ''), coalesce(insert_id, ''),
		CASE WHEN insert_id IS NULL THEN properties::VARCHAR ELSE '' END FROM `+l.table+" WHERE day BETWEEN ? AND ?", l.from(), l.to())
	if err != nil {
		return err
	}
	defer rows.Close()
	var e eventline.Event
	var scratch []byte
	for rows.Next() {
		var raw [4]sql.RawBytes
		if err := rows.Scan(&raw[0], &e.TimeMicros, &raw[1], &raw[2], &raw[3]); err != nil {
			return err
		}
		e.Name, e.DistinctID, e.InsertID, e.Properties = raw[0], raw[1], raw[2], raw[3]
		s.addStored(&e, &scratch)
	}
	return rows.Err()
}

// maxOverridden is the maximum number of overridden rows that are taken from the counts one by one.
const maxOverridden = 5000

// dropOverridden deletes rows that have a newer row with the same key in the window.
func (l *load) dropOverridden(ctx context.Context) error {
	if len(l.feed.overridden) == 0 {
		return nil
	}
	const temp = "CREATE OR REPLACE TEMP TABLE overridden (event_name VARCHAR, event_time TIMESTAMP, distinct_id VARCHAR, insert_id VARCHAR)"
	if err := l.exec(ctx, temp); err != nil {
		return err
	}
	if err := appendRows(ctx, l.conn, "temp", "main", "overridden", l.overridden); err != nil {
		return err
	}
	n, err := l.deleteOverridden(ctx)
	l.feed.duplicates.Add(n)
	l.feed.rows.Add(-n)
	return errors.Join(err, l.exec(ctx, "DROP TABLE overridden"))
}

func (l *load) deleteOverridden(ctx context.Context) (n int64, err error) {
	query := "DELETE FROM " + l.table + ` WHERE rowid IN (
		SELECT row_id FROM (
			SELECT e.rowid AS row_id, row_number() OVER (
				PARTITION BY e.event_name, e.event_time, e.distinct_id, e.insert_id
				ORDER BY e.processed_at DESC NULLS LAST, e.properties::VARCHAR DESC) AS place
			FROM ` + l.table + ` AS e SEMI JOIN overridden AS o ON e.event_name = o.event_name AND e.event_time = o.event_time
				AND e.insert_id = o.insert_id AND e.distinct_id IS NOT DISTINCT FROM o.distinct_id
			WHERE e.day BETWEEN ? AND ?)
		WHERE place > 1)`
	if len(l.feed.overridden) > maxOverridden {
		l.properties = nil
	}
	if l.properties == nil {
		return affected(l.conn.ExecContext(ctx, query, l.from(), l.to()))
	}
	rows, err := l.conn.QueryContext(ctx, query+" RETURNING day, event_name, properties::VARCHAR", l.from(), l.to())
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		var at time.Time
		var event string
		var properties sql.RawBytes
		if err := rows.Scan(&at, &event, &properties); err != nil {
			return n, err
		}
		l.properties.remove(day.Of(at), event, properties)
	}
	return n, rows.Err()
}

// overridden yields the keys for dropOverridden.
func (l *load) overridden(yield func([]driver.Value) bool) {
	text := func(s string) driver.Value {
		if s == "" {
			return nil
		}
		return s
	}
	for _, k := range l.feed.overridden {
		if !yield([]driver.Value{k.name, k.time, text(k.distinctID), text(k.insertID)}) {
			return
		}
	}
}
