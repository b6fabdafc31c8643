package e2e

import (
	"cmp"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

// row is an event, in the stand-in and in the database.
type row struct {
	Day, Event, DistinctID, InsertID, Properties string
	Micros, ProcessedMS                          int64 // since 1970
}

func (r row) compare(s row) int {
	return cmp.Or(
		strings.Compare(r.Day, s.Day), cmp.Compare(r.Micros, s.Micros), strings.Compare(r.Event, s.Event),
		strings.Compare(r.InsertID, s.InsertID), strings.Compare(r.Properties, s.Properties),
	)
}

// truth returns what a correct copy of days holds.
func (s *site) truth(tb testing.TB, project int64, days day.Range) mixpaneltest.Truth {
	tb.Helper()
	truth, err := s.mixpanel.Truth(project, days)
	if err != nil {
		tb.Fatal(err)
	}
	return truth
}

// rowsOf returns the rows of a truth.
func rowsOf(truth mixpaneltest.Truth) []row {
	rows := make([]row, 0, len(truth.Rows))
	for _, r := range truth.Rows {
		rows = append(rows, row{
			Day: r.Day.String(), Event: r.Event, DistinctID: r.DistinctID, InsertID: r.InsertID, Properties: r.Properties,
			Micros: r.Time.UnixMicro(), ProcessedMS: r.ProcessedAtMS,
		})
	}
	return rows
}

// path returns the path of a database.
func (s *site) path(database string) string { return filepath.Join(s.dir, database) }

// defaultDatabase is the default database of projectID.
const defaultDatabase = "12345.db"

// openDatabase opens a database for reading, like any other program. That fails while a window is being loaded.
func (s *site) openDatabase(database string) (*sql.DB, error) {
	db, err := sql.Open("duckdb", s.path(database)+"?access_mode=READ_ONLY")
	if err != nil {
		return nil, err
	}
	if err := db.Ping(); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// read calls fn with a database opened for reading.
func (s *site) read(tb testing.TB, database string, fn func(*sql.DB)) {
	tb.Helper()
	var db *sql.DB
	var err error
	eventually(tb, "open "+database, func() bool {
		db, err = s.openDatabase(database)
		return err == nil || !strings.Contains(err.Error(), "lock")
	})
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	fn(db)
}

// rows returns all rows of a table.
func (s *site) rows(tb testing.TB, database, table string) (all []row) {
	tb.Helper()
	s.read(tb, database, func(db *sql.DB) {
		rs, err := db.QueryContext(tb.Context(), `SELECT day::VARCHAR, event_name, coalesce(distinct_id, ''), coalesce(insert_id, ''),
			properties::VARCHAR, epoch_us(event_time), coalesce(epoch_ms(processed_at), 0) FROM `+table)
		if err != nil {
			tb.Fatal(err)
		}
		defer rs.Close()
		for rs.Next() {
			var r row
			if err := rs.Scan(&r.Day, &r.Event, &r.DistinctID, &r.InsertID, &r.Properties, &r.Micros, &r.ProcessedMS); err != nil {
				tb.Fatal(err)
			}
			all = append(all, r)
		}
		if err := rs.Err(); err != nil {
			tb.Fatal(err)
		}
	})
	return all
}

// compare fails the test unless got has exactly the rows of want, in any order.
func compare(tb testing.TB, want, got []row) {
	tb.Helper()
	want, got = slices.SortedFunc(slices.Values(want), row.compare), slices.SortedFunc(slices.Values(got), row.compare)
	if slices.Equal(want, got) {
		return
	}
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			tb.Fatalf("%d rows are stored, Mixpanel has %d; the first difference:\nwant %+v\ngot  %+v", len(got), len(want), want[i], got[i])
		}
	}
	tb.Fatalf("%d rows are stored, Mixpanel has %d; the shorter is the beginning of the longer", len(got), len(want))
}

// checkEvents checks that the table events of the default database has exactly Mixpanel's data of days.
func (s *site) checkEvents(tb testing.TB, days day.Range) {
	tb.Helper()
	compare(tb, rowsOf(s.truth(tb, projectID, days)), s.rows(tb, defaultDatabase, "events"))
}

// dayCounts returns the number of rows per day in a database.
func dayCounts(db *sql.DB, table string) (map[string]int, error) {
	rs, err := db.Query("SELECT day::VARCHAR, count(*) FROM " + table + " GROUP BY day")
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	counts := map[string]int{}
	for rs.Next() {
		var d string
		var n int
		if err := rs.Scan(&d, &n); err != nil {
			return nil, err
		}
		counts[d] = n
	}
	return counts, rs.Err()
}
