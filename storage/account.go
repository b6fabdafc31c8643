package storage

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
)

// setAside quarantines the lines of the window that are not events, unless there are too many.
func (l *load) setAside(ctx context.Context) error {
	f := l.feed
	slices.SortFunc(f.quarantine, func(a, b badLine) int { return int(a.number - b.number) })
	bad := int64(len(f.quarantine))
	strays := Strays{Days: l.w.Days, Lines: f.rows.Load() + f.duplicates.Load() + bad, Bad: bad, Outside: f.outside}
	if bad > 0 {
		strays.Reason = f.quarantine[0].reason
	}
	if f.outside > 0 {
		strays.Times, _ = f.evidence().warning(l.w.Zone, l.w.Days.From.Start(time.UTC))
	}
	if err := strays.Check(); err != nil {
		return err
	}
	if err := l.dropQuarantine(ctx); err != nil {
		return err
	}
	if bad == 0 {
		return nil
	}
	if err := appendRows(ctx, l.conn, "", "mixduck", "quarantine", l.quarantined); err != nil {
		return err
	}
	// Delete the same lines if an earlier window stored them, such as a wider one or one that was added to.
	return l.exec(ctx, `DELETE FROM mixduck.quarantine WHERE table_name = ? AND from_date <= ? AND to_date >= ? AND job_id <> ?
		AND line IN (SELECT line FROM mixduck.quarantine WHERE table_name = ? AND from_date = ? AND to_date = ? AND job_id = ?)`,
		l.w.Table, l.to(), l.from(), l.w.Job, l.w.Table, l.from(), l.to(), l.w.Job)
}

// dropQuarantine deletes the quarantined lines of the replaced days.
func (l *load) dropQuarantine(ctx context.Context) error {
	if l.w.Add { // only lines of this job, if it fetches the days again
		return l.exec(ctx, "DELETE FROM mixduck.quarantine WHERE table_name = ? AND job_id = ? AND from_date <= ? AND to_date >= ?",
			l.w.Table, l.w.Job, l.to(), l.from())
	}
	// Lines of an earlier window are deleted with their day. If the day is unknown or outside their window, they are
	// deleted with the whole window: a response for the day they name will not contain them again.
	return l.exec(ctx, `DELETE FROM mixduck.quarantine WHERE table_name = ?
		AND if(day BETWEEN from_date AND to_date, day, from_date) >= ? AND if(day BETWEEN from_date AND to_date, day, to_date) <= ?`,
		l.w.Table, l.from(), l.to())
}

// quarantined yields the quarantined lines as rows of mixduck.quarantine.
func (l *load) quarantined(yield func([]driver.Value) bool) {
	from, to := l.w.Days.From.Start(time.UTC), l.w.Days.To.Start(time.UTC)
	for _, b := range l.feed.quarantine {
		var d any
		if b.day.Valid {
			d = b.day.V.Start(time.UTC)
		}
		if !yield([]driver.Value{l.w.Table, from, to, d, b.number, b.reason.Error(), b.line, l.w.Job, l.w.FetchedAt.UTC()}) {
			return
		}
	}
}

// account compares the days with their previous content, and writes coverage and receipt.
func (l *load) account(ctx context.Context) error {
	after, err := l.countDays(ctx)
	if err != nil {
		return err
	}
	if err := l.checkShrunk(after); err != nil {
		return err
	}
	changed, sum, err := l.compare(ctx, after)
	if err != nil {
		return err
	}
	if err := l.exec(ctx, "DELETE FROM mixduck.coverage WHERE table_name = ? AND day BETWEEN ? AND ?", l.w.Table, l.from(), l.to()); err != nil {
		return err
	}
	for d := range l.w.Days.All() {
		state := Complete
		if l.w.FetchedAt.Before(l.w.DayEnd(d)) {
			state = Partial
		}
		if err := l.exec(ctx, "INSERT INTO mixduck.coverage VALUES (?, ?, ?, ?, ?, ?, NULL)",
			l.w.Table, d.String(), string(state), after[d], l.w.FetchedAt.UTC(), l.w.Job); err != nil {
			return err
		}
	}
	f := l.feed
	r := Receipt{
		Days: l.w.Days, Rows: f.rows.Load(), Duplicates: f.duplicates.Load(), Quarantined: int64(len(f.quarantine)),
		Bytes: l.w.Bytes, Hash: l.w.Hash, Lines: f.lines.Load(), Added: sum.added, Removed: sum.removed, Updated: sum.updated,
		Joined: f.joined.Load(), Extra: f.extra.Load(), ExtraKeys: strings.Join(f.extraKeys, ", "),
		TimeWarning: l.timeWarning,
	}
	if r.Lines != r.Rows+r.Duplicates+r.Quarantined {
		return fmt.Errorf("received %d lines, but stored %d, dropped %d and quarantined %d", r.Lines, r.Rows, r.Duplicates, r.Quarantined)
	}
	l.receipt = r
	now := time.Now().UTC()
	if err := l.recordChanges(ctx, changed, now); err != nil {
		return err
	}
	// A job has one receipt per day. An existing receipt comes from a commit that succeeded but was reported as
	// failed.
	if err := l.exec(ctx, "DELETE FROM mixduck.receipts WHERE table_name = ? AND job_id = ? AND from_date <= ? AND to_date >= ?",
		l.w.Table, l.w.Job, l.to(), l.from()); err != nil {
		return err
	}
	return l.exec(ctx, `INSERT INTO mixduck.receipts (table_name, from_date, to_date, lines, row_count, duplicates, quarantined, bytes, hash,
			job_id, fetched_at, loaded_at, added, removed, updated, joined, extra, extra_keys)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		l.w.Table, l.from(), l.to(), r.Lines, r.Rows, r.Duplicates, r.Quarantined, r.Bytes, r.Hash,
		l.w.Job, l.w.FetchedAt.UTC(), now, r.Added, r.Removed, r.Updated, r.Joined, r.Extra, r.ExtraKeys)
}

// checkShrunk protects stored rows against incomplete responses. Days within the lookback must not become empty.
// Earlier days must keep half of their rows; a response for them can be short because the retention ends. No day may
// lose rows because of a response with bad lines that may belong to it.
func (l *load) checkShrunk(after map[day.Day]int64) error {
	if l.w.Force {
		return nil
	}
	shrunk := &ShrunkError{}
	for d, stored := range l.before {
		bad := l.feed.badLines(d)
		if after[d] >= stored || after[d] > 0 && bad == 0 && (d >= l.w.LookbackFrom || 2*after[d] >= stored) {
			continue
		}
		shrunk.Days = append(shrunk.Days, d)
		shrunk.Stored += stored
		shrunk.Sent += after[d]
		shrunk.Bad = max(shrunk.Bad, bad)
	}
	if shrunk.Days == nil {
		return nil
	}
	slices.Sort(shrunk.Days)
	return shrunk
}

// badLines counts the quarantined lines that belong to day d or may belong to it.
func (f *feed) badLines(d day.Day) (n int64) {
	for _, b := range f.quarantine {
		if !b.day.Valid || b.day.V == d {
			n++
		}
	}
	return n
}
