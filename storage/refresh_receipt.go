package storage

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"
	"time"

	"mixduck/internal/day"
)

// RefreshReceipt is the record of a refresh in the database. Lines = Rows + Duplicates + Quarantined, and Rows = Added
// + Updated + Unchanged.
type RefreshReceipt struct {
	Full        bool
	Lines       int64 // received
	Rows        int64 // with distinct keys
	Duplicates  int64 // replaced by a later one with the same key
	Quarantined int64

	Added, Updated, Unchanged int64
	Removed                   int64 // stored rows that were missing in the response

	Requests  int
	Bytes     int64
	Hash      string
	Note      string
	FetchedAt time.Time

	scope sql.NullString // see [Scope.stored]
}

// setAside quarantines the invalid rows. Those of earlier refreshes stay only if this refresh did not request
// everything.
func (r *refresh) setAside(ctx context.Context, f *keyedFeed) error {
	if r.Full && r.Within == nil {
		if err := r.exec(ctx, "DELETE FROM mixduck.quarantine WHERE table_name = ?", r.Table.Name); err != nil {
			return err
		}
	}
	if len(f.bad) == 0 {
		return nil
	}
	slices.SortFunc(f.bad, func(a, b badLine) int { return cmp.Compare(a.number, b.number) })
	before := make([]int64, len(f.lines)) // rows before each part
	for i := 1; i < len(before); i++ {
		before[i] = before[i-1] + f.lines[i-1]
	}
	date := day.Of(r.FetchedAt.UTC()).Start(time.UTC)
	err := appendRows(ctx, r.conn, "", "mixduck", "quarantine", func(yield func([]driver.Value) bool) {
		for _, b := range f.bad {
			number := before[b.number>>seqBits] + b.number&(1<<seqBits-1) + 1
			if !yield([]driver.Value{r.Table.Name, date, date, nil, number, b.reason.Error(), b.line, r.Job, r.at}) {
				return
			}
		}
	})
	if err != nil || r.Full && r.Within == nil {
		return err
	}
	return r.exec(ctx, `DELETE FROM mixduck.quarantine WHERE table_name = ? AND job_id <> ?
		AND line IN (SELECT line FROM mixduck.quarantine WHERE table_name = ? AND job_id = ?)`, r.Table.Name, r.Job, r.Table.Name, r.Job)
}

// account writes the new state of the table, and the receipt.
func (r *refresh) account(ctx context.Context, found *KeyedState) error {
	full := sql.NullTime{Time: r.FetchedAt.UTC(), Valid: r.Full && !r.Within.stored().Valid}
	if !full.Valid && found != nil {
		full = sql.NullTime{Time: found.FullAt, Valid: !found.FullAt.IsZero()}
	}
	if err := r.exec(ctx, "DELETE FROM mixduck.keyed WHERE table_name = ?", r.Table.Name); err != nil {
		return err
	}
	if err := r.exec(ctx, "INSERT INTO mixduck.keyed SELECT ?, ?, count(*), ?, ? FROM "+r.quoted,
		r.Table.Name, r.Table.History, r.FetchedAt.UTC(), full); err != nil {
		return err
	}
	c := &r.receipt
	c.Full, c.Requests, c.Bytes, c.Hash, c.Note, c.FetchedAt = r.Full, r.Requests, r.Bytes, r.Hash, r.Note, r.FetchedAt.UTC()
	date := day.Of(r.FetchedAt.UTC()).String()
	return r.exec(ctx, `INSERT INTO mixduck.receipts (table_name, from_date, to_date, lines, row_count, duplicates, quarantined, bytes, hash,
			job_id, fetched_at, loaded_at, added, removed, updated, unchanged, requests, is_full, scope, note)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.Table.Name, date, date, c.Lines, c.Rows, c.Duplicates, c.Quarantined, c.Bytes, c.Hash,
		r.Job, c.FetchedAt, time.Now().UTC(), c.Added, c.Removed, c.Updated, c.Unchanged, c.Requests, c.Full, r.Within.stored(), c.Note)
}

// refreshReceipt returns the receipt that a job has left for a table, or a scope of it; nil if there is none.
func refreshReceipt(ctx context.Context, conn *sql.Conn, table, job string, scope sql.NullString) (*RefreshReceipt, error) {
	all, err := refreshReceipts(ctx, conn, table, job)
	for i := range all {
		if all[i].scope == scope {
			return &all[i], err
		}
	}
	return nil, err
}

// refreshReceipts returns the receipts that a job has left for a table.
func refreshReceipts(ctx context.Context, conn *sql.Conn, table, job string) (all []RefreshReceipt, err error) {
	rows, err := conn.QueryContext(ctx, `SELECT is_full, lines, row_count, duplicates, quarantined, added, updated, unchanged, removed,
			requests, bytes, hash, note, fetched_at, scope
		FROM mixduck.receipts WHERE table_name = ? AND job_id = ? ORDER BY loaded_at`, table, job)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c RefreshReceipt
		if err := rows.Scan(&c.Full, &c.Lines, &c.Rows, &c.Duplicates, &c.Quarantined, &c.Added, &c.Updated, &c.Unchanged, &c.Removed,
			&c.Requests, &c.Bytes, &c.Hash, &c.Note, &c.FetchedAt, &c.scope); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}
