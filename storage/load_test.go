package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/storage"
)

func TestReceiptsAddUp(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	w := window(span(0, 2),
		events(first, 100, "a"), events(first+1, 50, "a"), events(first, 30, "a"), // 30 of them twice
		"\n", "\r\n", "no event\n", `{"event":"e"}`+"\r\n", event(first+7, 1, "outside"), " \t\n")
	w.Bytes, w.Hash = 4711, "c0ffee"
	got := load(t, e, w)
	want(t, "receipt", got, storage.Receipt{Days: w.Days, Lines: 183, Rows: 150, Duplicates: 30, Quarantined: 3, Bytes: 4711, Hash: "c0ffee"})
	plan := prepare(t, e, storage.Table{Name: "events", Project: "1", Days: span(0, 10), Job: "job-1"})
	want(t, "plan", plan, storage.Plan{Table: "events", Done: []storage.Receipt{got}, Coverage: []storage.Coverage{
		{Day: first, State: storage.Complete, Rows: 100, FetchedAt: now, Job: "job-1"},
		{Day: first + 1, State: storage.Complete, Rows: 50, FetchedAt: now, Job: "job-1"},
	}})
	closeEngine(t, e)
	want(t, "stored receipt", query(t, path, "SELECT table_name, from_date, to_date, lines, row_count, duplicates, quarantined, bytes, hash, job_id, fetched_at FROM mixduck.receipts"),
		[]string{"events|2026-11-01|2026-11-02|183|150|30|3|4711|c0ffee|job-1|2027-01-01 12:00:00"})
	want(t, "rows", counts(t, path), []string{"2026-11-01|100", "2026-11-02|50"})
	want(t, "metadata", query(t, path, "SELECT * FROM _metadata"), []string{"events|events|2027-01-01 12:00:00|2026-11-01|2026-11-02|150"})
}

// A job has one receipt per day, so its progress adds up even if it requested a window again.
func TestReceiptsOfOneJob(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	load(t, e, window(span(0, 4), events(first, 10, "a"), events(first+2, 20, "a")))
	other := window(span(0, 4), events(first, 10, "a"), events(first+2, 20, "a"))
	other.Job = "job-2"
	load(t, e, other)
	a := load(t, e, window(span(0, 2), events(first, 10, "a")))
	b := load(t, e, window(span(2, 2), events(first+2, 20, "a")))
	plan := prepare(t, e, storage.Table{Name: "events", Project: "1", Days: span(0, 4), Job: "job-1"})
	want(t, "receipts", plan.Done, []storage.Receipt{a, b})
	plan = prepare(t, e, storage.Table{Name: "events", Project: "1", Days: span(0, 4), Job: "job-2"})
	if len(plan.Done) != 1 {
		t.Errorf("receipts of another job = %v, want one", plan.Done)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1),
		`{"event":"a\u0000b","properties":{"time":1793491201.25,"distinct_id":17,"$insert_id":"😀","mp_processing_time_ms":1793491202345,"x":1e400}}`+"\n",
		`{"event":"","properties": {"time" : 1793491203,"distinct_id":"","$insert_id":null, "y":[1.10, "\ud83d\ude00"]}}`+"\n",
		`{"event":"late","properties":{"time":1793491204,"mp_processing_time_ms":999999999999999999}}`+"\n",
	))
	closeEngine(t, e)
	want(t, "rows", query(t, path, "SELECT replace(event_name, chr(0), '?'), event_time, distinct_id, insert_id, day, processed_at, properties FROM events ORDER BY event_time"), []string{
		`a?b|2026-11-01 00:00:01.25|17|😀|2026-11-01|2026-11-01 00:00:02.345|{"time":1793491201.25,"distinct_id":17,"$insert_id":"😀","mp_processing_time_ms":1793491202345,"x":1e400}`,
		`|2026-11-01 00:00:03|NULL|NULL|2026-11-01|NULL|{"time" : 1793491203,"distinct_id":"","$insert_id":null, "y":[1.10, "\ud83d\ude00"]}`,
		`late|2026-11-01 00:00:04|NULL|NULL|2026-11-01|NULL|{"time":1793491204,"mp_processing_time_ms":999999999999999999}`,
	})
	want(t, "types and compression", query(t, path, `SELECT DISTINCT column_name, data_type FROM duckdb_columns() WHERE table_name = 'events' ORDER BY ALL`), []string{
		"day|DATE", "distinct_id|VARCHAR", "event_name|VARCHAR", "event_time|TIMESTAMP", "insert_id|VARCHAR", "processed_at|TIMESTAMP", "properties|JSON",
	})
}

// NULL and other values must not mix between chunks.
func TestColumnsThatAreSometimesMissing(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	var lines strings.Builder
	const n = 30_000
	for i := range n {
		fmt.Fprintf(&lines, `{"event":"e%d","properties":{"time":%d`, i%7, int(first)*86400+i)
		if i%3 == 0 {
			fmt.Fprintf(&lines, `,"distinct_id":"u%d"`, i)
		}
		if i%5 == 0 {
			fmt.Fprintf(&lines, `,"$insert_id":"i\u002d%d"`, i)
		}
		if i%4 == 0 {
			fmt.Fprintf(&lines, `,"mp_processing_time_ms":%d`, int64(1_800_000_000_000)+int64(i))
		}
		fmt.Fprintf(&lines, `,"n":%d}}`+"\n", i)
	}
	load(t, e, window(span(0, 1), lines.String()))
	closeEngine(t, e)
	want(t, "rows with a wrong value", query(t, path, `SELECT * FROM (SELECT (properties->>'n')::INTEGER AS n, * FROM events)
		WHERE event_name <> 'e' || n % 7 OR epoch(event_time) <> ? + n
			OR distinct_id IS DISTINCT FROM if(n % 3 = 0, 'u' || n, NULL) OR insert_id IS DISTINCT FROM if(n % 5 = 0, 'i-' || n, NULL)
			OR epoch_ms(processed_at) IS DISTINCT FROM if(n % 4 = 0, 1800000000000 + n, NULL) LIMIT 5`, int64(first)*86400), nil)
	want(t, "rows", query(t, path, "SELECT count(DISTINCT properties->>'n') FROM events"), []string{strconv.Itoa(n)})
}

func TestFence(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	step := func(fence int64) (prepare, load, swap error) {
		_, prepare = e.Prepare(t.Context(), storage.Table{Name: "events", Project: "1", Fence: fence})
		w := window(span(0, 1), events(first, 10, "a"))
		w.Fence = fence
		_, load = e.Load(t.Context(), w)
		return prepare, load, e.Swap(t.Context(), "events", fence)
	}
	for _, tt := range []struct {
		fence int64
		want  error
	}{{5, nil}, {5, nil}, {4, storage.ErrFenced}, {0, nil}, {4, storage.ErrFenced}, {6, nil}, {5, storage.ErrFenced}, {-1, storage.ErrFenced}} {
		prepare, load, swap := step(tt.fence)
		for what, err := range map[string]error{"Prepare": prepare, "Load": load, "Swap": swap} {
			if !errors.Is(err, tt.want) || fault.HintOf(err) != "" {
				t.Errorf("%s with fence %d = %v, want %v", what, tt.fence, err, tt.want)
			}
		}
	}
	// A failed load does not change the fence.
	w := window(span(0, 1), "half")
	w.Fence = 100
	if _, err := e.Load(t.Context(), w); !errors.Is(err, storage.ErrNotWhole) {
		t.Errorf("Load = %v, want %v", err, storage.ErrNotWhole)
	}
	closeEngine(t, e)
	want(t, "fence", query(t, path, "SELECT value FROM mixduck.fence"), []string{"6"})
}

// endless is an endless stream of events that reports its nth read.
type endless struct {
	text    []byte
	rest    []byte
	reads   int
	reached context.CancelCauseFunc
}

func (s *endless) Read(p []byte) (int, error) {
	if s.reads--; s.reads == 0 {
		s.reached(errBroken)
	}
	if len(s.rest) == 0 {
		s.rest = s.text
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func TestCancelInTheMiddle(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 100, "old")))
	for i := range 30 {
		reads := 1 + i%3 // usually while the statement begins
		if i%10 == 9 {
			reads = 2 * i
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		w := window(span(0, 1))
		w.Parts = []io.Reader{&endless{text: []byte(events(first, 5000, "new")), reads: reads, reached: cancel}}
		_, err := e.Load(ctx, w)
		if !errors.Is(err, errBroken) {
			t.Errorf("Load = %v, want the end of the context", err)
		}
	}
	want(t, "coverage after cancelled loads", coverage(t, e, span(0, 1)), []string{"2026-11-01 complete 100"})
	load(t, e, window(span(1, 1), events(first+1, 7, "next"))) // the engine still works
	closeEngine(t, e)
	want(t, "rows", counts(t, path), []string{"2026-11-01|100", "2026-11-02|7"})
}

// coverage lists the stored days of r.
func coverage(tb testing.TB, e *storage.Engine, r day.Range) (all []string) {
	tb.Helper()
	days, err := e.Coverage(tb.Context(), "events", r)
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range days {
		all = append(all, fmt.Sprintf("%s %s %d", c.Day, c.State, c.Rows))
	}
	return all
}

func TestInspect(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 10, "a"), "odd\n", event(first+3, 1, "outside"), event(first, 20, "a")))
	w := window(span(0, 1), events(first, 3000, "a"), "that is\r\n", "all\n")
	var asked []string
	w.Inspect = func(text []byte) error { asked = append(asked, string(text)); return errBroken }
	if _, err := e.Load(t.Context(), w); err != errBroken { //nolint:errorlint // the contract is that it comes as it is
		t.Errorf("Load = %v, want %v", err, errBroken)
	}
	want(t, "inspected texts", asked, []string{"that is\r\nall"})
	w = window(span(0, 1), events(first, 3000, "a"), "that is all\n")
	w.Inspect = func([]byte) error { return nil }
	if _, err := e.Load(t.Context(), w); !errors.Is(err, storage.ErrNotWhole) {
		t.Errorf("Load = %v, want %v", err, storage.ErrNotWhole)
	}
	closeEngine(t, e)
	want(t, "rows", counts(t, path), []string{"2026-11-01|11"})
}

func TestEmptyExports(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	if _, err := e.Load(t.Context(), window(span(0, 3))); !errors.Is(err, storage.ErrEmpty) {
		t.Errorf("Load = %v, want %v", err, storage.ErrEmpty)
	}
	want(t, "coverage", coverage(t, e, span(0, 3)), nil)
	w := window(span(0, 3))
	w.AllowEmpty = true
	want(t, "receipt", load(t, e, w), storage.Receipt{Days: w.Days, Bytes: 1, Hash: "h"})
	want(t, "coverage", coverage(t, e, span(0, 3)), []string{"2026-11-01 complete 0", "2026-11-02 complete 0", "2026-11-03 complete 0"})

	load(t, e, window(span(1, 1), events(first+1, 5, "a")))
	w = window(span(0, 3))
	w.AllowEmpty = true
	if _, err := e.Load(t.Context(), w); !isShrunk(err, first+1) {
		t.Errorf("Load = %v, want an error about the day that would become empty", err)
	}
	closeEngine(t, e)
	want(t, "rows", counts(t, path), []string{"2026-11-02|5"})
}

func isShrunk(err error, days ...day.Day) bool {
	shrunk, ok := errors.AsType[*storage.ShrunkError](err)
	return ok && slices.Equal(shrunk.Days, days) && fault.HintOf(err) != ""
}
