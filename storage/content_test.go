package storage_test

import (
	"fmt"
	"strings"
	"testing"

	"mixduck/storage"
)

// idless returns an event without an $insert_id, written in one of several equivalent ways.
func idless(second, way int) string {
	at := int(first)*86400 + second
	texts := []string{
		`{"event":"e","properties":{"time":%d,"distinct_id":"u","amount":12.5,"tag":"é","cart":{"items":[1,2],"note":null}}}`,
		`{"properties":{"cart":{"note":null,"items":[1,2]},"tag":"é","amount":12.5,"distinct_id":"u","time":%d},"event":"e"}`,
		`{"event":"e","properties":{ "time" : %d , "amount" : 1.250e1, "distinct_id" : "u", "t\u0061g":"\u00e9", "cart":{"items":[1,2],"note":null,"items":[3]}}}`,
	}
	return fmt.Sprintf(texts[way%len(texts)], at) + "\n"
}

// An event without an $insert_id is identified by its content, within a response and among stored rows.
func TestContentIsTheKeyOfEventsWithoutAnID(t *testing.T) {
	t.Parallel()
	const n = 30
	all := func(way int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(idless(i, way))
		}
		return b.String()
	}
	for way := range 3 {
		t.Run(fmt.Sprint("stored in way ", way), func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			r := load(t, e, window(span(0, 1), all(way), all(way+1), all(way+2)))
			want(t, "receipt", r, storage.Receipt{Days: r.Days, Lines: 3 * n, Rows: n, Duplicates: 2 * n, Bytes: 1, Hash: "h"})
			add := window(span(0, 1), all(way+1), all(way+2), idless(n, way))
			add.Add, add.Job = true, "job-2"
			r = load(t, e, add)
			want(t, "receipt of adding", r, storage.Receipt{Days: r.Days, Lines: 2*n + 1, Rows: 1, Duplicates: 2 * n, Bytes: 1, Hash: "h", Added: 1})
			again := window(span(0, 1), all(way+1), idless(n, way+2))
			again.Job = "job-3"
			want(t, "changes of fetching again", changes(load(t, e, again)), "+0 -0 ~0")
			closeEngine(t, e)
			want(t, "rows", counts(t, path), []string{fmt.Sprint("2026-11-01|", n+1)})
		})
	}
}

func TestOtherContentIsAnotherEvent(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	text := idless(1, 0)
	lines := []string{text}
	for _, change := range [][2]string{
		{`"event":"e"`, `"event":"f"`},
		{"12.5", "12.50000000000000001"},
		{"12.5", `"12.5"`},
		{"[1,2]", "[2,1]"},
		{"null", `""`},
		{`"u"`, `"U"`},
		{`"note":null`, `"note":null,"more":1`},
		{`"tag":"é",`, ``},
	} {
		lines = append(lines, strings.Replace(text, change[0], change[1], 1))
	}
	load(t, e, window(span(0, 1), lines...))
	closeEngine(t, e)
	want(t, "rows", counts(t, path), []string{fmt.Sprint("2026-11-01|", len(lines))})
}

// Older versions stored such an event again for each way of writing it. Fetching the day again reports the removed
// rows.
func TestCopiesOfOlderVersions(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), idless(1, 0), idless(2, 0)))
	closeEngine(t, e)
	_, properties, _ := strings.Cut(strings.TrimSpace(idless(1, 2)), `"properties":`)
	edit(t, path, "INSERT INTO events SELECT * REPLACE ('"+strings.TrimSuffix(properties, "}")+"' AS properties) FROM events WHERE event_time = TIMESTAMP '2026-11-01 00:00:01'")
	e = open(t, storage.Config{Path: path})
	add := window(span(0, 1), idless(1, 1), idless(2, 1))
	add.Add, add.Job = true, "job-2"
	want(t, "duplicates", load(t, e, add).Duplicates, 2)
	again := window(span(0, 1), idless(1, 1), idless(2, 1))
	again.Job = "job-3"
	want(t, "changes", changes(load(t, e, again)), "+0 -1 ~0")
}
