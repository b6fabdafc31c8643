package storage_test

import (
	"database/sql"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/storage"
)

// first is the first day in most tests.
var first = day.Of(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))

// span returns n days, starting offset days after first.
func span(offset, n int) day.Range {
	from := first + day.Day(offset)
	return day.Range{From: from, To: from + day.Day(n) - 1}
}

// now is a time after all days of the tests.
var now = time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)

// lockWait is how long tests wait that do not test locks: a process that another test is just starting shares the
// locks of this one until it runs its own program.
const lockWait = 30 * time.Second

// open opens a database and closes it at the end of the test.
func open(tb testing.TB, cfg storage.Config) *storage.Engine {
	tb.Helper()
	cfg.LockWait = lockWait
	e, err := storage.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closeEngine(tb, e) })
	return e
}

func closeEngine(tb testing.TB, e *storage.Engine) {
	tb.Helper()
	if err := e.Close(); err != nil {
		tb.Error(err)
	}
}

// newFile opens a new database with a table events.
func newFile(tb testing.TB) (e *storage.Engine, path string) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "x.db")
	e = open(tb, storage.Config{Path: path})
	prepare(tb, e, storage.Table{Name: "events", Project: "1", Job: "job-0"})
	return e, path
}

func prepare(tb testing.TB, e *storage.Engine, table storage.Table) storage.Plan {
	tb.Helper()
	plan, err := e.Prepare(tb.Context(), table)
	if err != nil {
		tb.Fatal(err)
	}
	return plan
}

// window returns a window with lines, each with its newline, for table events.
func window(r day.Range, lines ...string) storage.Window {
	return storage.Window{
		Table: "events", Days: r, Parts: []io.Reader{strings.NewReader(strings.Join(lines, ""))}, Job: "job-1", FetchedAt: now,
		DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) }, Bytes: 1, Hash: "h",
	}
}

func load(tb testing.TB, e *storage.Engine, w storage.Window) storage.Receipt {
	tb.Helper()
	r, err := e.Load(tb.Context(), w)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// event returns the line of an event that happens second seconds after the start of the day; more are properties, each
// preceded by a comma.
func event(d day.Day, second int, insertID string, more ...string) string {
	return fmt.Sprintf(`{"event":"e","properties":{"time":%d,"distinct_id":"u","$insert_id":%q%s}}`+"\n",
		int(d)*86400+second, insertID, strings.Join(more, ""))
}

// events returns n events of a day; name makes them different from others.
func events(d day.Day, n int, name string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(event(d, i%86400, fmt.Sprintf("%s-%d", name, i)))
	}
	return b.String()
}

// query reads a database file like any other program, and returns each row as text. The query must sort the rows.
func query(tb testing.TB, path, text string, args ...any) []string {
	tb.Helper()
	db, err := sql.Open("duckdb", path+"?access_mode=READ_ONLY&threads=1")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	return queryDB(tb, db, text, args...)
}

func queryDB(tb testing.TB, db *sql.DB, text string, args ...any) (all []string) {
	tb.Helper()
	rows, err := db.QueryContext(tb.Context(), "SELECT columns(*)::VARCHAR FROM ("+text+")", args...)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		tb.Fatal(err)
	}
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			tb.Fatal(err)
		}
		texts := make([]string, len(columns))
		for i, v := range values {
			texts[i] = v.String
			if !v.Valid {
				texts[i] = "NULL"
			}
		}
		all = append(all, strings.Join(texts, "|"))
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

// counts returns "day|rows" of table events, from the rows themselves, not from coverage.
func counts(tb testing.TB, path string) []string {
	tb.Helper()
	return query(tb, path, "SELECT day, count(*) FROM events GROUP BY day ORDER BY day")
}

func want[T any](tb testing.TB, what string, got, want T) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%.3000s", what, diff)
	}
}
