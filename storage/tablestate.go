package storage

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"time"

	"mixduck/internal/day"
)

// TableState says how complete a fetched table is.
type TableState struct {
	Name         string
	Type         string // events, or the stream of a keyed table, which has no days
	Project      string // project id
	Rows         int64
	First        *day.Day // first stored day; nil if there is none
	LastComplete *day.Day // last complete day; nil if there is none
	Complete     int      // days
	Partial      int      // days
	Unavailable  int      // days
	Missing      int      // days without coverage between the first and the last stored day
	Quarantined  int64    // lines
	FetchedAt    time.Time
	TimeWarning  string // what its event times show about the project's settings; "" for nothing
	Verified     Verified

	// Of the last refresh of a keyed table.
	Added, Updated, Removed int64
}

// tableStates reads only the bookkeeping, so its cost does not depend on the size of the tables. It omits tables that
// are still being filled for the first time.
const tableStates = `
SELECT t.table_name, t.type, t.project, coalesce(sum(c.row_count), 0)::BIGINT, s.first_day, max(c.day) FILTER (c.state = 'complete'),
	count(c.day) FILTER (c.state = 'complete'), count(c.day) FILTER (c.state = 'partial'), count(c.day) FILTER (c.state = 'unavailable'),
	coalesce(date_diff('day', s.first_day, s.last_day) + 1 - count(c.day) FILTER (c.day BETWEEN s.first_day AND s.last_day), 0),
	(SELECT count(*) FROM mixduck.quarantine AS q WHERE q.table_name = t.table_name),
	max(c.fetched_at) FILTER (c.state <> 'unavailable')
FROM mixduck.tables AS t
LEFT JOIN mixduck.coverage AS c ON c.table_name = t.table_name
LEFT JOIN (
	SELECT table_name, min(day) AS first_day, max(day) AS last_day FROM mixduck.coverage WHERE state <> 'unavailable' GROUP BY table_name
) AS s ON s.table_name = t.table_name
WHERE NOT ends_with(t.table_name, '__replacing')
GROUP BY t.table_name, t.type, t.project, s.first_day, s.last_day
ORDER BY t.table_name`

// TableStates returns the state of all fetched tables, by name.
func (e *Engine) TableStates(ctx context.Context) ([]TableState, error) {
	rows, err := e.Query(ctx, tableStates)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []TableState
	for rows.Next() {
		var t TableState
		var first, last, fetched sql.NullTime
		if err := rows.Scan(&t.Name, &t.Type, &t.Project, &t.Rows, &first, &last, &t.Complete, &t.Partial, &t.Unavailable, &t.Missing,
			&t.Quarantined, &fetched); err != nil {
			return nil, err
		}
		t.First, t.LastComplete, t.FetchedAt = dayOf(first), dayOf(last), fetched.Time
		all = append(all, t)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	warnings, err := timeWarnings(ctx, e)
	for i := range all {
		all[i].TimeWarning = warnings[all[i].Name]
	}
	if err != nil {
		return nil, err
	}
	if err := e.addKeyed(ctx, all); err != nil {
		return nil, err
	}
	return all, e.addVerified(ctx, all)
}

// addKeyed adds the number of rows of keyed tables, when they were fetched, and what their last refresh changed. A
// refresh in pieces counts as one. A file opened read-only may be older than these tables.
func (e *Engine) addKeyed(ctx context.Context, all []TableState) error {
	if known, err := e.hasTable(ctx, "keyed"); err != nil || !known {
		return err
	}
	rows, err := e.Query(ctx, `SELECT k.table_name, k.row_count, k.fetched_at, coalesce(sum(r.added), 0)::BIGINT,
			coalesce(sum(r.updated), 0)::BIGINT, coalesce(sum(r.removed), 0)::BIGINT
		FROM mixduck.keyed AS k LEFT JOIN mixduck.receipts AS r ON r.table_name = k.table_name AND r.job_id = (
			SELECT arg_max(l.job_id, l.loaded_at) FROM mixduck.receipts AS l WHERE l.table_name = k.table_name)
		GROUP BY ALL`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k TableState
		if err := rows.Scan(&k.Name, &k.Rows, &k.FetchedAt, &k.Added, &k.Updated, &k.Removed); err != nil {
			return err
		}
		for i := range all {
			if t := &all[i]; t.Name == k.Name {
				t.Rows, t.FetchedAt, t.Added, t.Updated, t.Removed = k.Rows, k.FetchedAt, k.Added, k.Updated, k.Removed
			}
		}
	}
	return rows.Err()
}

func dayOf(t sql.NullTime) *day.Day {
	if !t.Valid {
		return nil
	}
	d := day.Of(t.Time)
	return &d
}

// Held describes the content of a database.
type Held struct {
	Tables []TableState // by name
	Bytes  int64        // size of the file
	Backup bool         // it is a backup without any fetch into it

	// Days has the days of each table with days, in ascending order, without the job and the reason.
	Days map[string][]Coverage
}

// ReadTableStates opens a database read-only and returns the state of its tables. If there is no file, or Mixduck has
// not written to it, there are no tables.
func ReadTableStates(ctx context.Context, cfg Config) (h Held, err error) {
	cfg.ReadOnly = true
	e, err := Open(ctx, cfg)
	if errors.Is(err, ErrNotFound) {
		return Held{}, nil
	}
	if err != nil {
		return Held{}, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	info, err := os.Stat(cfg.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Held{}, err
	}
	if info != nil {
		h.Bytes = info.Size()
	}
	version, err := schemaVersion(ctx, e.inst.db)
	if err != nil || version == 0 {
		return h, err
	}
	if h.Backup, err = e.isBackup(ctx); err != nil {
		return h, err
	}
	if h.Tables, err = e.TableStates(ctx); err != nil {
		return h, err
	}
	h.Days, err = e.days(ctx)
	return h, err
}

// days returns the days of all tables.
func (e *Engine) days(ctx context.Context) (map[string][]Coverage, error) {
	rows, err := e.Query(ctx, `SELECT table_name, day, state, row_count, fetched_at FROM mixduck.coverage
		WHERE NOT ends_with(table_name, '__replacing') ORDER BY table_name, day`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string][]Coverage{}
	for rows.Next() {
		var table string
		var d time.Time
		var c Coverage
		if err := rows.Scan(&table, &d, &c.State, &c.Rows, &c.FetchedAt); err != nil {
			return nil, err
		}
		c.Day = day.Of(d)
		all[table] = append(all[table], c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return all, e.addMarks(ctx, all)
}

// ReadFetched opens a database read-only and returns the days of a table that job was the last to fetch, or that are
// unavailable, in ascending order.
func ReadFetched(ctx context.Context, cfg Config, table, job string) (all []day.Day, err error) {
	cfg.ReadOnly = true
	e, err := Open(ctx, cfg)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	version, err := schemaVersion(ctx, e.inst.db)
	if err != nil || version == 0 {
		return nil, err
	}
	stored, err := e.Coverage(ctx, table, day.Range{From: 0, To: day.New(9999, 12, 31)})
	for _, c := range stored {
		if c.Job == job || c.State == Unavailable {
			all = append(all, c.Day)
		}
	}
	return all, err
}
