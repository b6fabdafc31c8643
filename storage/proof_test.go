package storage_test

import (
	"errors"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// A stored day never loses rows to a response with bad lines that may belong to it.
func TestDaysThatShrinkWithBadLines(t *testing.T) {
	t.Parallel()
	outside := event(first+9, 1, "outside")
	tests := []struct {
		name  string
		days  int // of the window
		lines string
		force bool
		bad   int64 // in the error; 0 means that the response is stored
	}{
		{name: "fewer rows, no bad line", days: 1, lines: events(first, 99, "new")},
		{name: "as many rows and a bad line", days: 1, lines: untimed("x") + events(first, 100, "new")},
		{name: "fewer rows and a bad line", days: 1, lines: untimed("x") + events(first, 99, "new"), bad: 1},
		{name: "fewer rows and two bad lines", days: 1, lines: "text\n" + events(first, 99, "new") + untimed("x"), bad: 2},
		{name: "fewer rows and a bad line in a wider window", days: 2, lines: untimed("x") + events(first, 99, "new") + events(first+1, 5, "new"), bad: 1},
		{name: "fewer rows and an event of another day", days: 1, lines: events(first, 99, "new") + outside},
		{name: "fewer rows and a bad line, by force", days: 1, lines: untimed("x") + events(first, 99, "new"), force: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			load(t, e, window(span(0, 1), events(first, 100, "old")))
			w := window(span(0, tt.days), tt.lines)
			w.Job, w.Force = "job-2", tt.force
			_, err := e.Load(t.Context(), w)
			closeEngine(t, e)
			version := "new"
			if tt.bad > 0 {
				version = "old"
				shrunk, ok := errors.AsType[*storage.ShrunkError](err)
				if !ok || !isShrunk(err, first) || shrunk.Bad != tt.bad || shrunk.Stored != 100 || shrunk.Sent != 99 {
					t.Errorf("Load = %v, want 99 of 100 rows and %d bad lines", err, tt.bad)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			want(t, "versions", query(t, path, "SELECT DISTINCT insert_id[:3] FROM events"), []string{version})
		})
	}
}

// An unknown key other than event and properties is counted and named, and the event is stored without it.
func TestExtraKeys(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	plain := events(first, 100, "a")
	extra := strings.ReplaceAll(events(first, 2000, "b"), "}}\n", `},"schema_version":2,"region":{"a":1}}`+"\n")
	other := strings.ReplaceAll(events(first, 2, "c"), `{"event"`, `{"größe":1,"event"`)
	r := load(t, e, window(span(0, 1), plain, extra, other))
	if r.Rows != 2102 || r.Quarantined != 0 || r.Extra != 2002 || r.ExtraKeys != "schema_version, größe" && r.ExtraKeys != "größe, schema_version" {
		t.Errorf("receipt = %+v, want 2102 rows, of which 2002 have two keys", r)
	}
	again := prepare(t, e, storage.Table{Name: "events", Project: "1", Days: span(0, 1), Job: "job-1"})
	want(t, "receipt read again", again.Done, []storage.Receipt{r})
	closeEngine(t, e)
	want(t, "properties with another key", query(t, path, "SELECT count(*) FROM events WHERE properties::VARCHAR LIKE '%schema_version%'"), []string{"0"})
	want(t, "receipt", query(t, path, "SELECT extra, joined FROM mixduck.receipts"), []string{"2002|0"})
}

// Records in several pieces are ordinary rows, wherever the blocks of the load are cut, and the receipt counts them.
func TestJoinedEvents(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	var lines strings.Builder
	const rows, pieces = 9000, 9000 / 50
	for i, line := range strings.SplitAfter(events(first, rows, "a"), "\n")[:rows] {
		if i%50 == 7 {
			at := 10 + i%30
			line = line[:at] + "\r\n\n" + line[at:]
		}
		lines.WriteString(strings.Replace(line, `"distinct_id"`, `"pad":"`+strings.Repeat("p", 400)+`","distinct_id"`, 1))
	}
	text := lines.String()
	r := load(t, e, window(span(0, 1), text))
	if r.Rows != rows || r.Lines != rows || r.Joined != pieces || r.Quarantined != 0 {
		t.Errorf("receipt = %+v, want %d rows, of which %d came in pieces", r, rows, pieces)
	}
	closeEngine(t, e)
	want(t, "rows", query(t, path, "SELECT count(DISTINCT insert_id), count(DISTINCT event_time), count(*) FILTER (strlen(properties) < 400) FROM events"),
		[]string{"9000|9000|0"})
	want(t, "receipt", query(t, path, "SELECT joined FROM mixduck.receipts"), []string{"180"})
}

func TestNotWholeHasAHint(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	err := loadError(t, e, window(span(0, 1), event(first, 1, "a"), "text\n"))
	if !errors.Is(err, storage.ErrNotWhole) || fault.CodeOf(err) != fault.CodeFailed || fault.HintOf(err) == "" || strings.Contains(err.Error(), "text\n") {
		t.Errorf("Load = %v, want an error with a hint that does not quote the line", err)
	}
}
