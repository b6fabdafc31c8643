package storage_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mixduck/internal/rapidtest"
	"mixduck/storage"
)

// sent is a line of an export that can have duplicates.
type sent struct {
	Name, DistinctID, InsertID string
	Second, Processed, Version int
}

// fillerBytes makes a few lines take several blocks, so several threads see their duplicates.
const fillerBytes = 30_000

func (s sent) properties() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"time":%d,"version":%d`, int(first)*86400+s.Second, s.Version)
	if s.DistinctID != "" {
		fmt.Fprintf(&b, `,"distinct_id":%q`, s.DistinctID)
	}
	if s.InsertID != "" {
		fmt.Fprintf(&b, `,"$insert_id":%q`, s.InsertID)
	}
	if s.Processed > 0 {
		fmt.Fprintf(&b, `,"mp_processing_time_ms":%d`, s.Processed)
	}
	b.WriteString(`,"filler":"` + strings.Repeat("x", fillerBytes) + `"}`)
	return b.String()
}

func (s sent) line() string {
	return `{"event":"` + s.Name + `","properties":` + s.properties() + "}\n"
}

// key is equal for duplicate lines.
func (s sent) key() string {
	if s.InsertID == "" {
		return s.Name + s.properties()
	}
	return fmt.Sprint(s.Name, "|", s.DistinctID, "|", s.InsertID, "|", s.Second)
}

// newest returns the rows that must be stored, in the form of rowsOf.
func newest(lines []sent) []string {
	best := map[string]sent{}
	for _, s := range lines {
		old, known := best[s.key()]
		if !known || s.Processed > old.Processed || s.Processed == old.Processed && s.properties() > old.properties() {
			best[s.key()] = s
		}
	}
	var all []string
	for _, s := range best {
		all = append(all, fmt.Sprintf("%s|%s|%s|%d|%d|%d", s.Name, s.DistinctID, s.InsertID, s.Second, s.Processed, s.Version))
	}
	slices.Sort(all)
	return all
}

// rowsOf reads table events.
func rowsOf(tb testing.TB, path string) []string {
	tb.Helper()
	all := query(tb, path, `SELECT event_name, coalesce(distinct_id, ''), coalesce(insert_id, ''), epoch(event_time)::BIGINT - ?,
		coalesce(epoch_ms(processed_at), 0), properties->>'version' FROM events`, int64(first)*86400)
	slices.Sort(all)
	return all
}

func someLines(t *rapid.T) []sent {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sent {
		return sent{
			Name:       rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"),
			DistinctID: rapid.SampledFrom([]string{"", "u", "v"}).Draw(t, "distinct_id"),
			InsertID:   rapid.SampledFrom([]string{"", "i", "j"}).Draw(t, "insert_id"),
			Second:     rapid.IntRange(0, 1).Draw(t, "second"),
			Processed:  rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "processed"),
			Version:    rapid.IntRange(0, 2).Draw(t, "version"),
		}
	}), 1, 50).Draw(t, "lines")
}

func join(lines []sent) string {
	var b strings.Builder
	for _, s := range lines {
		b.WriteString(s.line())
	}
	return b.String()
}

// For any order of lines, the newest of each event stays, and among equally new ones the largest text.
func TestDuplicatesInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		lines := someLines(rt)
		path := filepath.Join(t.TempDir(), "x.db")
		for _, order := range [][]sent{lines, rapid.Permutation(lines).Draw(rt, "order")} {
			e, err := storage.Open(t.Context(), storage.Config{Path: path, Threads: 4, LockWait: lockWait})
			if err != nil {
				t.Fatal(err)
			}
			prepare(t, e, storage.Table{Name: "events", Job: "job-0"})
			w := window(span(0, 1), join(order))
			w.Force = true
			r := load(t, e, w)
			wantCatalogue(t, storage.DB(e))
			closeEngine(t, e)
			wanted := newest(order)
			if got := rowsOf(t, path); !slices.Equal(got, wanted) {
				t.Fatalf("stored\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
			}
			if r.Rows != int64(len(wanted)) || r.Duplicates != int64(len(order)-len(wanted)) {
				t.Fatalf("receipt = %+v, want %d rows of %d", r, len(wanted), len(order))
			}
		}
	})
}

// If lines are added in pieces, each event is stored once; the first stored version stays.
func TestAddInPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		lines := someLines(rt)
		path := filepath.Join(t.TempDir(), "x.db")
		e, err := storage.Open(t.Context(), storage.Config{Path: path, LockWait: lockWait})
		if err != nil {
			t.Fatal(err)
		}
		prepare(t, e, storage.Table{Name: "events", Job: "job-0"})
		stored := map[string]bool{}
		var wanted []string
		for len(lines) > 0 {
			k := rapid.IntRange(1, len(lines)).Draw(rt, "piece")
			piece := lines[:k]
			lines = lines[k:]
			w := window(span(0, 1), join(piece))
			w.Add = true
			load(t, e, w)
			var missing []sent
			for _, s := range piece {
				if !stored[s.key()] {
					missing = append(missing, s)
				}
			}
			for _, s := range missing {
				stored[s.key()] = true
			}
			wanted = append(wanted, newest(missing)...)
		}
		wantCatalogue(t, storage.DB(e))
		closeEngine(t, e)
		slices.Sort(wanted)
		if got := rowsOf(t, path); !slices.Equal(got, wanted) {
			t.Fatalf("stored\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
		}
	})
}

func TestManyNewerDuplicates(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	var lines strings.Builder
	const n = 20_000
	for version := range 3 {
		for i := range n {
			lines.WriteString(event(first, i, fmt.Sprint("i", i), fmt.Sprintf(`,"version":%d,"mp_processing_time_ms":%d`, version, 1+version)))
		}
	}
	r := load(t, e, window(span(0, 1), lines.String()))
	want(t, "receipt", r, storage.Receipt{Days: span(0, 1), Lines: 3 * n, Rows: n, Duplicates: 2 * n, Bytes: 1, Hash: "h"})
	wantCatalogue(t, storage.DB(e))
	closeEngine(t, e)
	want(t, "versions", query(t, path, "SELECT properties->>'version', count(*) FROM events GROUP BY 1"), []string{fmt.Sprintf("2|%d", n)})
}

func TestAddDeletesNothing(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 3), events(first, 100, "a"), events(first+1, 100, "a"), events(first+2, 100, "a")))
	w := window(span(0, 2), events(first, 10, "a"), events(first+1, 3, "b"))
	w.Add, w.Job = true, "job-2"
	r := load(t, e, w)
	want(t, "receipt", r, storage.Receipt{Days: w.Days, Lines: 13, Rows: 3, Duplicates: 10, Bytes: 1, Hash: "h", Added: 3})
	want(t, "coverage", coverage(t, e, span(0, 3)), []string{"2026-11-01 complete 100", "2026-11-02 complete 103", "2026-11-03 complete 100"})
	w = window(span(0, 2))
	w.Add, w.AllowEmpty = true, true
	load(t, e, w)
	closeEngine(t, e)
	want(t, "rows", counts(t, path), []string{"2026-11-01|100", "2026-11-02|103", "2026-11-03|100"})
}

// A stored row stays unchanged, even if a newer one with its key arrives.
func TestAddKeepsWhatIsStored(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), event(first, 1, "i", `,"version":1,"mp_processing_time_ms":1`)))
	w := window(span(0, 1), event(first, 1, "i", `,"version":2,"mp_processing_time_ms":2`), event(first, 2, "i", `,"version":3`))
	w.Add = true
	load(t, e, w)
	closeEngine(t, e)
	want(t, "rows", query(t, path, "SELECT properties->>'version' FROM events ORDER BY event_time"), []string{"1", "3"})
}
