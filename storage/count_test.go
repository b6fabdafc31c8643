package storage

import (
	"database/sql"
	"io"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
)

// meddler is an export that falsifies a counter of its load at its end, as if DuckDB or the reader had lost a row.
type meddler struct {
	io.Reader
	meddle func()
}

func (m *meddler) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if err == io.EOF {
		m.meddle()
	}
	return n, err
}

// A load with inconsistent counts stores nothing.
func TestCountsThatDoNotAgree(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		meddle func(*feed)
		want   string // "" for no error
	}{
		"as they are":                  {func(*feed) {}, ""},
		"a row fed and not inserted":   {func(f *feed) { f.rows.Add(1) }, "DuckDB inserted 2 of 3 rows"},
		"a row inserted and not fed":   {func(f *feed) { f.rows.Add(-1) }, "DuckDB inserted 2 of 1 rows"},
		"a line that became nothing":   {func(f *feed) { f.lines.Add(1) }, "received 3 lines, but stored 2, dropped 0 and quarantined 0"},
		"a duplicate that was no line": {func(f *feed) { f.duplicates.Add(1) }, "received 2 lines, but stored 2, dropped 1 and quarantined 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := Open(t.Context(), Config{Mode: InMemory})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			if _, err := e.Prepare(t.Context(), Table{Name: "events", Project: "1", Job: "job-0"}); err != nil {
				t.Fatal(err)
			}
			days := day.Range{From: day.New(2026, 11, 1), To: day.New(2026, 11, 1)}
			const lines = `{"event":"e","properties":{"time":1793491200}}` + "\n" + `{"event":"e","properties":{"time":1793491201}}` + "\n"
			l := &load{table: `"events"`}
			l.w = Window{
				Table: "events", Days: days, Job: "job-1", FetchedAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
				DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) },
				Parts:  []io.Reader{&meddler{strings.NewReader(lines), func() { tt.meddle(l.feed) }}},
			}
			defer l.forget()
			err = e.write(t.Context(), 0, func(conn *sql.Conn) error {
				l.conn = conn
				return l.run(t.Context())
			})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("load = %v, want %q", err, tt.want)
			}
			var rows int
			if err := e.inst.db.QueryRowContext(t.Context(), "SELECT count(*) FROM events").Scan(&rows); err != nil || rows > 0 != (tt.want == "") {
				t.Errorf("%d rows are stored, %v", rows, err)
			}
		})
	}
}
