package storage

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/cgo"
	"strings"
	"time"
)

// Refresh is Mixpanel's response for a keyed table, to compare with the stored rows.
type Refresh struct {
	Table Keyed
	Parts []Part

	// Full removes rows that are not in the parts, which are all that Mixpanel has within the table's filter.
	// Otherwise the rows are added, or replace the rows with their keys.
	Full   bool
	Within *Scope // the parts are only about these rows: a full refresh removes no others; nil means all rows
	Force  bool   // allow an empty full refresh to empty a table with many rows

	Job       string
	Fence     int64     // see [Engine.Load]
	FetchedAt time.Time // when the first request was sent
	Requests  int
	Bytes     int64  // as received
	Hash      string // of these bytes
	Note      string // a note for people; stored in the receipt
}

// Refresh updates a keyed table in one transaction: the fence, the rows and the receipt, or nothing. The first refresh
// creates the table. Unchanged rows are not written. After any error, including one from a part, the stored data is
// unchanged. Refresh returns [ErrFenced] like [Engine.Load], and an error with a hint if the table has other content.
func (e *Engine) Refresh(ctx context.Context, r Refresh) (RefreshReceipt, error) {
	if err := r.Table.check(); err != nil {
		return RefreshReceipt{}, err
	}
	quoted, err := quote(r.Table.Name)
	if err != nil {
		return RefreshReceipt{}, err
	}
	run := &refresh{Refresh: r, quoted: quoted, at: r.FetchedAt.UTC().Truncate(time.Microsecond)}
	defer run.forget()
	err = e.write(ctx, r.Fence, func(conn *sql.Conn) error {
		run.conn = conn
		if err := allowVacuum(ctx, conn); err != nil {
			return err
		}
		return run.run(ctx)
	})
	if err != nil {
		return RefreshReceipt{}, err
	}
	return run.receipt, nil
}

// refresh is a Refresh inside its transaction.
type refresh struct {
	Refresh
	quoted  string // the table's name
	at      time.Time
	conn    *sql.Conn
	handles []cgo.Handle // of feeds
	receipt RefreshReceipt

	properties *propertyCounts // of the changed rows; nil if all must be counted
}

// forget releases the handles of the feeds. It must run after the transaction ends: after an interrupt, DuckDB can still start a
// thread for the old statement when the connection is next used.
func (r *refresh) forget() {
	for _, h := range r.handles {
		h.Delete()
	}
}

func (r *refresh) exec(ctx context.Context, query string, args ...any) error {
	_, err := r.conn.ExecContext(ctx, query, args...)
	return err
}

func (r *refresh) run(ctx context.Context) error {
	found, err := r.Table.lookUp(ctx, r.conn)
	if err != nil {
		return err
	}
	switch {
	case found == nil:
		err = r.Table.create(ctx, r.conn, r.Job)
	case r.Job != "": // a commit can succeed although it was reported as failed
		var done *RefreshReceipt
		if done, err = refreshReceipt(ctx, r.conn, r.Table.Name, r.Job, r.Within.stored()); done != nil {
			r.receipt = *done
			return nil
		}
	}
	if err != nil {
		return err
	}
	if r.Table.History {
		if err := r.advance(ctx); err != nil {
			return err
		}
	}
	feed, err := r.readKeys(ctx)
	if err != nil {
		return err
	}
	if err := r.compare(ctx, feed); err != nil {
		return err
	}
	if err := r.countOld(ctx); err != nil {
		return err
	}
	if err := r.dropOld(ctx); err != nil {
		return err
	}
	if err := r.insert(ctx, feed); err != nil {
		return err
	}
	if err := r.catalogue(ctx); err != nil {
		return err
	}
	for _, temp := range []string{"mixduck_sent", "mixduck_newest", "mixduck_changes"} {
		if err := r.exec(ctx, "DROP TABLE "+temp); err != nil {
			return err
		}
	}
	if err := r.setAside(ctx, feed); err != nil {
		return err
	}
	return r.account(ctx, found)
}

// advance ensures that the versions of this refresh begin after the stored ones, even if the clock was set back.
func (r *refresh) advance(ctx context.Context) error {
	var last sql.NullTime
	query := "SELECT max(greatest(" + quoteColumn(r.Table.since()) + ", " + quoteColumn(r.Table.until()) + ")) FROM " + r.quoted +
		" WHERE " + r.Within.condition(&r.Table)
	if err := r.conn.QueryRowContext(ctx, query).Scan(&last); err != nil {
		return err
	}
	if last.Valid && !r.at.After(last.Time) {
		r.at = last.Time.Add(time.Microsecond)
	}
	return nil
}

// feed runs a statement that reads the parts through mixduck_keyed, whose parameters are its last ones, and returns
// the number of affected rows.
func (r *refresh) feed(ctx context.Context, f *keyedFeed, statement string, args ...any) error {
	h := cgo.NewHandle(f)
	r.handles = append(r.handles, h)
	n, err := affected(r.conn.ExecContext(ctx, statement, append(args, int64(h), f.columns, r.Table.jsonMask())...))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if err == nil && n != f.rows.Load() {
		err = fmt.Errorf("DuckDB took %d of %d rows", n, f.rows.Load())
	}
	return err
}

func (r *refresh) newFeed(columns int) *keyedFeed {
	return &keyedFeed{table: &r.Table, columns: columns, parts: r.Parts, lines: make([]int64, len(r.Parts))}
}

// readKeys reads the parts for the first time: the keys of their rows, and the hashes that identify versions.
func (r *refresh) readKeys(ctx context.Context) (*keyedFeed, error) {
	f := r.newFeed(r.Table.keys())
	columns := r.Table.selected(f.columns)
	keys := make([]string, f.columns)
	for i, c := range r.Table.Columns[:f.columns] {
		keys[i] = quoteColumn(c.Name) + " " + c.Type + " NOT NULL"
	}
	if err := r.exec(ctx, "CREATE OR REPLACE TEMP TABLE mixduck_sent (seq BIGINT, hash BIGINT, "+strings.Join(keys, ", ")+")"); err != nil {
		return nil, err
	}
	if err := r.feed(ctx, f, "INSERT INTO mixduck_sent SELECT seq, hash, "+columns+" FROM mixduck_keyed(?, ?, ?)"); err != nil {
		return nil, err
	}
	for _, n := range f.lines {
		r.receipt.Lines += n
	}
	r.receipt.Quarantined = int64(len(f.bad))
	err := r.exec(ctx, "CREATE OR REPLACE TEMP TABLE mixduck_newest AS SELECT "+r.Table.keyList()+
		", max(seq) AS seq, arg_max(hash, seq) AS hash FROM mixduck_sent GROUP BY ALL")
	return f, err
}

// compare finds the changes. mixduck_changes gets a row per key to write, with its position in the parts, or to
// remove; row_id is that of the stored version.
func (r *refresh) compare(ctx context.Context, f *keyedFeed) error {
	join := "LEFT"
	if r.Full {
		join = "FULL"
	}
	k := &r.Table
	query := "CREATE OR REPLACE TEMP TABLE mixduck_changes AS SELECT n.seq, o.row_id FROM mixduck_newest AS n " + join +
		" JOIN (SELECT rowid AS row_id, " + k.keyList() + ", content_hash FROM " + r.quoted + " WHERE " + k.current() + " AND " + r.Within.condition(k) + ") AS o USING (" + k.keyList() +
		") WHERE n.seq IS NULL OR o.row_id IS NULL OR n.hash <> o.content_hash"
	if err := r.exec(ctx, query); err != nil {
		return err
	}
	c := &r.receipt
	err := r.conn.QueryRowContext(ctx, `SELECT count(*) FILTER (row_id IS NULL), count(*) FILTER (seq IS NOT NULL AND row_id IS NOT NULL),
		count(*) FILTER (seq IS NULL), (SELECT count(*) FROM mixduck_newest) FROM mixduck_changes`).Scan(&c.Added, &c.Updated, &c.Removed, &c.Rows)
	if err != nil {
		return err
	}
	c.Duplicates = f.rows.Load() - c.Rows
	c.Unchanged = c.Rows - c.Added - c.Updated
	if c.Lines != c.Rows+c.Duplicates+c.Quarantined {
		return fmt.Errorf("received %d rows, but %d have a key each, %d have that of a later one and %d are set aside",
			c.Lines, c.Rows, c.Duplicates, c.Quarantined)
	}
	if c.Rows == 0 && c.Removed >= manyRows && !r.Force && r.Within == nil {
		return &EmptiedError{Table: r.Table.Name, Stored: c.Removed}
	}
	return nil
}

// dropOld removes, or closes, stored versions that are replaced or missing in the parts.
func (r *refresh) dropOld(ctx context.Context) error {
	if r.receipt.Updated+r.receipt.Removed == 0 {
		return nil
	}
	const changed = " WHERE rowid IN (SELECT row_id FROM mixduck_changes WHERE row_id IS NOT NULL)"
	query, args := "DELETE FROM "+r.quoted+changed, []any(nil)
	if r.Table.History {
		query, args = "UPDATE "+r.quoted+" SET "+quoteColumn(r.Table.until())+" = ?"+changed, []any{r.at}
	}
	n, err := affected(r.conn.ExecContext(ctx, query, args...))
	if err == nil && n != r.receipt.Updated+r.receipt.Removed {
		err = fmt.Errorf("DuckDB replaced %d of %d rows", n, r.receipt.Updated+r.receipt.Removed)
	}
	return err
}

// insert reads the parts for the second time, and stores the changed rows.
func (r *refresh) insert(ctx context.Context, first *keyedFeed) (err error) {
	wanted := r.receipt.Added + r.receipt.Updated
	if wanted == 0 {
		return nil
	}
	k, f := &r.Table, r.newFeed(len(r.Table.Columns))
	if f.wanted, err = r.selectWanted(ctx, wanted, first.rows.Load()); err != nil {
		return err
	}
	columns, args := k.selected(f.columns)+", hash AS "+contentHash, []any(nil)
	if k.History {
		columns, args = columns+", ? AS "+quoteColumn(k.since()), []any{r.at}
	}
	query := "SELECT " + columns + " FROM mixduck_keyed(?, ?, ?)"
	stored, err := columnsOf(ctx, r.conn, k.Name)
	if err != nil {
		return err
	}
	if len(stored) > 0 {
		values, err := selectColumns(stored)
		if err != nil {
			return err
		}
		query = "SELECT *, " + strings.Join(values, ", ") + " FROM (" + query + ")"
	}
	if err := r.feed(ctx, f, "INSERT INTO "+r.quoted+" BY NAME "+query, args...); err != nil {
		return err
	}
	r.countNew(f)
	if n := f.rows.Load(); n != wanted {
		return fmt.Errorf("a second look at the answer found %d of %d rows", n, wanted)
	}
	return nil
}

// selectWanted returns the rows to write, nil for all: their positions, or those of the other rows if these are fewer.
func (r *refresh) selectWanted(ctx context.Context, wanted, sent int64) (*selection, error) {
	if wanted == sent {
		return nil, nil
	}
	s, query := newSelection(len(r.Parts), false), "SELECT seq FROM mixduck_changes WHERE seq IS NOT NULL"
	if wanted > sent/2 {
		s, query = newSelection(len(r.Parts), true), "SELECT seq FROM mixduck_sent ANTI JOIN mixduck_changes USING (seq)"
	}
	rows, err := r.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		s.add(seq)
	}
	return s, rows.Err()
}
