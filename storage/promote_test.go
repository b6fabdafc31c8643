package storage_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage"
)

func promotions(tb testing.TB, text string) []storage.Promotion {
	tb.Helper()
	all, err := storage.ParsePromotions(text)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// values are events whose property v has these values, as JSON.
func values(all ...string) (lines []string) {
	for i, v := range all {
		lines = append(lines, fmt.Sprintf(`{"event":"e","properties":{"time":%d,"distinct_id":"d","$insert_id":"%d","v":%s,"a/b~c":%s}}`+"\n",
			first.Start(now.Location()).Unix()+int64(i), i, v, v))
	}
	return lines
}

// What a column holds does not depend on whether it was there when the rows were loaded.
func TestPromotedColumnsHoldWhatTheJSONHas(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind string
		json []string
		want []string
	}{
		{"VARCHAR", []string{`"x\ny"`, `12345678901234567890`, `true`, `null`, `{"b": 1}`, `""`}, []string{"x\ny", "12345678901234567890", "true", "NULL", `{"b":1}`, ""}},
		{"BIGINT", []string{`9007199254740993`, `"42"`, `"x"`, `null`, `1e30`}, []string{"9007199254740993", "42", "NULL", "NULL", "NULL"}},
		{"DOUBLE", []string{`1.5`, `"2.5"`, `"x"`, `true`}, []string{"1.5", "2.5", "NULL", "NULL"}},
		{"BOOLEAN", []string{`true`, `"false"`, `"perhaps"`}, []string{"true", "false", "NULL"}},
		{"DATE", []string{`"2026-02-28"`, `"2026-02-30"`}, []string{"2026-02-28", "NULL"}},
		{
			"TIMESTAMP",
			[]string{`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05+02:00"`, `1767322045`, `"soon"`},
			[]string{"2026-01-02 03:04:05", "2026-01-02 01:04:05", "2026-01-02 02:47:25", "NULL"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			wanted := promotions(t, `v:`+tt.kind+`,a/b~c:`+tt.kind)
			lines := values(tt.json...)

			e, path := newFile(t)
			prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-1", Promote: wanted})
			load(t, e, window(span(0, 1), lines...))
			closeEngine(t, e)
			loaded := query(t, path, `SELECT v, "a/b~c" FROM events ORDER BY event_time`)

			e, path = newFile(t)
			load(t, e, window(span(0, 1), lines...))
			for range 2 { // again changes nothing
				if err := e.Promote(t.Context(), "events", wanted, 0); err != nil {
					t.Fatal(err)
				}
			}
			closeEngine(t, e)
			added := query(t, path, `SELECT v, "a/b~c" FROM events ORDER BY event_time`)

			var expect []string
			for _, v := range tt.want {
				expect = append(expect, v+"|"+v)
			}
			want(t, "loaded", loaded, expect)
			want(t, "added to rows that were there", added, expect)
		})
	}
}

func TestPromotionsAreKept(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-1", Promote: promotions(t, "v:BIGINT")})
	load(t, e, window(span(0, 1), values("1")...))
	replace := storage.Table{Name: "events", Project: "1", Job: "job-2", Replace: true, Promote: promotions(t, "v:BIGINT,w")}
	plan := prepare(t, e, replace)
	w := window(span(0, 1), values("2", "3")...)
	w.Table, w.Job = plan.Table, "job-2"
	load(t, e, w)
	if err := e.Swap(t.Context(), "events", 0); err != nil {
		t.Fatal(err)
	}
	_, err := e.Prepare(t.Context(), storage.Table{Name: "events", Project: "1", Job: "job-3", Promote: promotions(t, "v:DOUBLE")})
	if fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
		t.Errorf("Prepare with another type = %v, want a usage error, with a hint", err)
	}
	if err := e.Promote(t.Context(), "nothing", promotions(t, "v"), 0); fault.CodeOf(err) != fault.CodeNotFound {
		t.Errorf("Promote of a table that is not there = %v, want not found", err)
	}
	closeEngine(t, e)
	want(t, "rows", query(t, path, "SELECT v, w FROM events ORDER BY event_time"), []string{"2|NULL", "3|NULL"})
}

// version1.db was made by the version before promoted columns.
func TestAnOlderFileIsTakenOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	unpack(t, "testdata/version1.db.gz", path)
	before := query(t, path, "SELECT table_name, row_count FROM _metadata ORDER BY ALL")
	e := open(t, storage.Config{Path: path, ReadOnly: true})
	closeEngine(t, e) // reading changes nothing
	want(t, "version after reading", query(t, path, "SELECT version FROM mixduck.schema_version"), []string{"1"})
	closeEngine(t, open(t, storage.Config{Path: path}))
	want(t, "version after writing", query(t, path, "SELECT version FROM mixduck.schema_version"), []string{"2"})
	want(t, "rows", query(t, path, "SELECT table_name, row_count FROM _metadata ORDER BY ALL"), before)
	if len(before) == 0 {
		t.Error("the file holds no table")
	}
}

func unpack(tb testing.TB, from, to string) {
	tb.Helper()
	in, err := os.Open(from)
	if err != nil {
		tb.Fatal(err)
	}
	defer in.Close()
	zr, err := gzip.NewReader(in)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := os.Create(to)
	if err != nil {
		tb.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, zr); err != nil {
		tb.Fatal(err)
	}
}
