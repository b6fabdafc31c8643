package chaos

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"mixduck/internal/day"
)

// ledger is the content of a database.
type ledger struct {
	fence    int64
	receipts []receipt // in order of commit
	rows     []string  // sorted
}

// receipt is the record of a committed window.
type receipt struct {
	job         string
	days        day.Range
	rows, bytes int64
	hash        string    // of the response
	fetchedAt   time.Time // when the request was sent
	loadedAt    time.Time // when the response was committed, or just before
}

// rowText is the form in which rows are compared.
func rowText(day, event, distinctID, insertID string, micros, processedMS int64, properties string) string {
	return fmt.Sprintln(day, event, distinctID, insertID, micros, processedMS, properties)
}

// truth returns the rows that a correct copy of a database's project holds, sorted.
func (s *site) truth(tb testing.TB, db int) []string {
	tb.Helper()
	return s.truthOf(tb, db, s.work.days())
}

// truthOf is truth for other days.
func (s *site) truthOf(tb testing.TB, db int, days day.Range) []string {
	tb.Helper()
	truth, err := s.mixpanel.Truth(project(db), days)
	if err != nil {
		tb.Fatal(err)
	}
	rows := make([]string, 0, len(truth.Rows))
	for _, r := range truth.Rows {
		rows = append(rows, rowText(r.Day.String(), r.Event, r.DistinctID, r.InsertID, r.Time.UnixMicro(), r.ProcessedAtMS, r.Properties))
	}
	slices.Sort(rows)
	return rows
}

// readLedger reads a database that no worker has open.
func (s *site) readLedger(tb testing.TB, db int) ledger {
	tb.Helper()
	conn, err := sql.Open("duckdb", filepath.Join(s.dir, databaseFile(db))+"?access_mode=READ_ONLY")
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	var l ledger
	query(tb, conn, "SELECT value FROM mixduck.fence", func(scan func(...any) error) error { return scan(&l.fence) })
	query(tb, conn, `SELECT job_id, from_date, to_date, row_count, bytes, hash, fetched_at, loaded_at
		FROM mixduck.receipts ORDER BY rowid`, func(scan func(...any) error) error {
		var r receipt
		var from, to time.Time
		err := scan(&r.job, &from, &to, &r.rows, &r.bytes, &r.hash, &r.fetchedAt, &r.loadedAt)
		r.days = day.Range{From: day.Of(from), To: day.Of(to)}
		l.receipts = append(l.receipts, r)
		return err
	})
	query(tb, conn, `SELECT day::VARCHAR, event_name, coalesce(distinct_id, ''), coalesce(insert_id, ''),
		properties::VARCHAR, epoch_us(event_time), coalesce(epoch_ms(processed_at), 0) FROM events`, func(scan func(...any) error) error {
		var day, event, distinctID, insertID, properties string
		var micros, processedMS int64
		err := scan(&day, &event, &distinctID, &insertID, &properties, &micros, &processedMS)
		l.rows = append(l.rows, rowText(day, event, distinctID, insertID, micros, processedMS, properties))
		return err
	})
	slices.Sort(l.rows)
	return l
}

// query calls each for every row of a result.
func query(tb testing.TB, db *sql.DB, statement string, each func(scan func(...any) error) error) {
	tb.Helper()
	rs, err := db.QueryContext(tb.Context(), statement)
	if err != nil {
		tb.Fatal(err)
	}
	defer rs.Close()
	for rs.Next() {
		if err := each(rs.Scan); err != nil {
			tb.Fatal(err)
		}
	}
	if err := rs.Err(); err != nil {
		tb.Fatal(err)
	}
}
