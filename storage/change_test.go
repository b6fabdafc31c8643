package storage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mixduck/internal/day"
	"mixduck/internal/rapidtest"
	"mixduck/storage"
)

// changes formats the changes of days in a receipt.
func changes(r storage.Receipt) string {
	return fmt.Sprintf("+%d -%d ~%d", r.Added, r.Removed, r.Updated)
}

func TestWhatHasChanged(t *testing.T) {
	t.Parallel()
	bare := func(n, processed int) string { // without an $insert_id
		return fmt.Sprintf(`{"event":"bare","properties":{"time":%d,"n":%d,"mp_processing_time_ms":%d}}`+"\n", int(first)*86400, n, processed)
	}
	at := func(ms int) string { return fmt.Sprintf(`,"mp_processing_time_ms":%d`, ms) }
	base := []string{event(first, 1, "a", at(5)), event(first, 2, "b"), event(first, 3, "c", at(7)), bare(1, 5)}
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"nothing", base, "+0 -0 ~0"},
		{"the order", []string{base[3], base[2], base[1], base[0]}, "+0 -0 ~0"},
		{"a late row", append(slices.Clone(base), event(first, 4, "d", at(9))), "+1 -0 ~0"},
		{"a late row without an id", append(slices.Clone(base), bare(2, 9)), "+1 -0 ~0"},
		{"a row that is gone", base[1:], "+0 -1 ~0"},
		{"a row without an id that is gone", base[:3], "+0 -1 ~0"},
		{"a row that was processed again", []string{event(first, 1, "a", at(6)), base[1], base[2], base[3]}, "+0 -0 ~1"},
		{"a row that was processed for the first time", []string{base[0], event(first, 2, "b", at(6)), base[2], base[3]}, "+0 -0 ~1"},
		{"a row without an id that was processed again is another", []string{base[0], base[1], base[2], bare(1, 6)}, "+1 -1 ~0"},
		{"the id of a row", []string{event(first, 1, "x", at(5)), base[1], base[2], base[3]}, "+1 -1 ~0"},
		{"the time of a row", []string{event(first, 9, "a", at(5)), base[1], base[2], base[3]}, "+1 -1 ~0"},
		{"properties, and nothing else", []string{event(first, 1, "a", at(5), `,"x":1`), base[1], base[2], base[3]}, "+0 -0 ~0"},
		{"a duplicate", append(slices.Clone(base), base[0]), "+0 -0 ~0"},
		{"a newer duplicate", append(slices.Clone(base), event(first, 1, "a", at(6))), "+0 -0 ~1"},
		{"all of it", []string{event(first, 1, "z")}, "+1 -4 ~0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			want(t, "first load", changes(load(t, e, window(span(0, 1), base...))), "+0 -0 ~0")
			w := window(span(0, 1), tt.lines...)
			w.Force, w.Job = true, "job-2"
			want(t, "changes", changes(load(t, e, w)), tt.want)
			closeEngine(t, e)
			want(t, "receipt", query(t, path, "SELECT '+' || added || ' -' || removed || ' ~' || updated FROM mixduck.receipts WHERE job_id = 'job-2'"), []string{tt.want})
			days := []string{first.String() + " events " + tt.want}
			if tt.want == "+0 -0 ~0" {
				days = nil
			}
			want(t, "changes of days", query(t, path, "SELECT day || ' ' || table_name || ' +' || added || ' -' || removed || ' ~' || updated FROM mixduck.changes WHERE job_id = 'job-2'"), days)
		})
	}
}

// Only days that were already stored can change; others are new.
func TestNewDaysAreNoChange(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	empty := window(span(1, 1))
	empty.AllowEmpty = true
	load(t, e, empty)
	load(t, e, window(span(2, 1), events(first+2, 10, "a")))
	if _, err := e.MarkUnavailable(t.Context(), storage.Table{Name: "events"}, []day.Range{span(3, 1)}, "gone"); err != nil {
		t.Fatal(err)
	}
	all := window(span(0, 5), events(first, 5, "a"), events(first+1, 7, "a"), events(first+2, 12, "a"), events(first+3, 5, "a"), events(first+4, 5, "a"))
	got := load(t, e, all)
	want(t, "changes", changes(got), "+9 -0 ~0")
	all = window(span(0, 6), events(first, 6, "a"), events(first+5, 5, "a"))
	all.Add, all.Job = true, "job-2"
	want(t, "changes of adding", changes(load(t, e, all)), "+1 -0 ~0")
	closeEngine(t, e)
	want(t, "changes of days", query(t, path, "SELECT day || ' +' || added || ' -' || removed || ' ~' || updated FROM mixduck.changes ORDER BY loaded_at, day"), []string{
		(first + 1).String() + " +7 -0 ~0", (first + 2).String() + " +2 -0 ~0", first.String() + " +1 -0 ~0",
	})
}

func TestOldChangesAreDeleted(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 5, "a")))
	_, err := storage.DB(e).ExecContext(t.Context(), `INSERT INTO mixduck.changes
		SELECT table_name, DATE '2020-01-01', age || 'h', 1, 0, 0, now()::TIMESTAMP - to_hours(age)
		FROM (VALUES ('events', 24), ('events', 400 * 24 - 1), ('events', 400 * 24 + 1), ('other', 9999 * 24)) AS ages(table_name, age)`)
	if err != nil {
		t.Fatal(err)
	}
	w := window(span(0, 1), events(first, 6, "a"))
	w.Job = "new"
	load(t, e, w)
	closeEngine(t, e)
	want(t, "changes", query(t, path, "SELECT job_id FROM mixduck.changes ORDER BY loaded_at"), []string{"9599h", "24h", "new"})
}

// Any two versions of some days are compared by their keys.
func TestChangesAreThoseOfKeys(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		n++
		days := span(n*3, 2)
		dayOfKey := map[string]day.Day{}
		version := func(label string) (rows map[string]int, lines []string) {
			rows = map[string]int{}
			for range rapid.IntRange(1, 8).Draw(rt, label) {
				d := days.From + day.Day(rapid.IntRange(0, 1).Draw(rt, "day"))
				id := rapid.SampledFrom([]string{"a", "b", "c", "d", ""}).Draw(rt, "id")
				at := rapid.IntRange(1, 3).Draw(rt, "processed")
				line := event(d, 1, id, fmt.Sprintf(`,"mp_processing_time_ms":%d`, at))
				key := fmt.Sprintf("%s %s", d, id)
				if id == "" {
					key = line
				}
				dayOfKey[key] = d
				if at > rows[key] {
					rows[key] = at
				}
				lines = append(lines, line)
			}
			return rows, lines
		}
		before, lines := version("before")
		if _, err := e.Load(t.Context(), window(days, lines...)); err != nil {
			t.Fatal(err)
		}
		after, lines := version("after")
		w := window(days, strings.Join(lines, ""))
		w.Force, w.Job = true, "job-2"
		got, err := e.Load(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		var wanted storage.Receipt
		for key, at := range after {
			switch old, was := before[key]; {
			case !was:
				wanted.Added++
			case old != at:
				wanted.Updated++
			}
		}
		for key := range before {
			if _, is := after[key]; !is {
				wanted.Removed++
			}
		}
		if changes(got) != changes(wanted) {
			t.Fatalf("%s, want %s\nbefore: %v\nafter: %v", changes(got), changes(wanted), before, after)
		}
		ofDays := changesOfDays(t, e, days)
		for d := range days.All() {
			var wanted storage.Receipt
			for key, at := range after {
				switch old, was := before[key]; {
				case dayOfKey[key] != d:
				case !was:
					wanted.Added++
				case old != at:
					wanted.Updated++
				}
			}
			for key := range before {
				if _, is := after[key]; !is && dayOfKey[key] == d {
					wanted.Removed++
				}
			}
			if wanted == (storage.Receipt{}) != (ofDays[d] == "") || ofDays[d] != "" && ofDays[d] != changes(wanted) {
				t.Fatalf("%s: %q, want %s\nbefore: %v\nafter: %v", d, ofDays[d], changes(wanted), before, after)
			}
		}
	})
}

// changesOfDays returns the recorded changes of the days of r that were loaded twice, those without changes left out.
func changesOfDays(tb testing.TB, e *storage.Engine, r day.Range) map[day.Day]string {
	tb.Helper()
	rows, err := e.Query(tb.Context(), "SELECT day, added, removed, updated FROM mixduck.changes WHERE day BETWEEN ? AND ?", r.From.String(), r.To.String())
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	all := map[day.Day]string{}
	for rows.Next() {
		var d time.Time
		var c storage.Receipt
		if err := rows.Scan(&d, &c.Added, &c.Removed, &c.Updated); err != nil {
			tb.Fatal(err)
		}
		if all[day.Of(d)] != "" {
			tb.Errorf("%s has two rows of one load", day.Of(d))
		}
		all[day.Of(d)] = changes(c)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}
