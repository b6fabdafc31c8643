package query_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/proctest"
	"mixduck/storage"
	"mixduck/storage/query"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	path := newFile(t, threeEvents)
	tests := []struct{ name, sql, message, hint string }{
		{"a syntax error with its place", "SELECT *\nFROM events\nWHER x", "Parser Error: syntax error at or near \"x\"\n\nLINE 3: WHER x\n             ^", ""},
		{"an unknown table with those that there are", "FROM nope", "Table with name nope does not exist", "the tables are _metadata, events"},
		{"an unknown column with a way to a property", "SELECT plan FROM events", `Referenced column "plan" not found`, "properties->>'$.plan'"},
		{"an unknown column that is a property of Mixpanel", `SELECT "$city" FROM events`, `Referenced column "$city" not found`, `properties->>'$."$city"'`},
		{"an unknown column with a strange name", `SELECT "Tom's plan" FROM events`, "Referenced column", `properties->>'$."Tom''s plan"'`},
		{"a path that starts with a property of Mixpanel", "SELECT properties->>'$city' FROM events", "JSON path error", `properties->>'$."$city"'`},
		{"one with a space", "SELECT properties->'$os version' FROM events", "JSON path error", `properties->>'$."$os version"'`},
		{"one in a function", "SELECT json_extract_string(properties, ['$.plan', '$city']) FROM events", "JSON path error", `'$."$city"'`},
		{"one that is known late", "SELECT properties->>('$' || event_name) FROM events", "JSON path error", `properties->>'$."$signup"'`},
		{"a path without an end", "SELECT properties->>'$[' FROM events", "JSON path error", "a path is '$.name'"},
		{"a property of Mixpanel as a column", "SELECT properties.$city FROM events", `at or near "$"`, `properties->>'$."$name"'`},
		{"a property of Mixpanel as a parameter", "SELECT $city FROM events", "the parameter $city has no value", `properties->>'$."$city"'`},
		{"an unknown column with its place", "SELECT plan FROM events -- x", "LINE 1: SELECT plan FROM events -- x\n               ^", ""},
		{"a value that does not fit", "SELECT event_name::INTEGER FROM events", "Could not convert string 'signup' to INT32", "TRY_CAST"},
		{"a value of a parameter that is missing", "SELECT $x", "the parameter $x has no value", "--param x=VALUE"},
		{"an error on purpose", "SELECT error('boom')", "boom", ""},
		{"two statements", "SELECT 1; SELECT 2", "the SQL has 2 statements", "one by one"},
		{"a statement that writes", "DELETE FROM events", "only statements that read", "SELECT"},
		{"a pivot whose columns are not named", "PIVOT events ON event_name USING count(*)", "only statements that read", "ON x IN"},
		{"SQL that is too long", "SELECT '" + strings.Repeat("x", 1<<20) + "'", "longer than 1 MiB", ""},
		{"SQL that is no text", "SELECT '\xff'", "not valid UTF-8", ""},
		{"SQL with a zero byte", "SELECT 1\x00", "not valid UTF-8", ""},
		{"parentheses without end", "SELECT " + strings.Repeat("(", 50000) + "1" + strings.Repeat(")", 50000), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, out, err := run(t, query.Request{Database: path, SQL: tt.sql})
			if fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(err.Error(), tt.message) || !strings.Contains(fault.HintOf(err), tt.hint) {
				t.Errorf("error = %v (%s; try: %s)", err, fault.CodeOf(err), fault.HintOf(err))
			}
			if err != nil && strings.Contains(err.Error(), "c0") || out != "" {
				t.Errorf("the message or the result shows the inside: %v\n%s", err, out)
			}
		})
	}
}

// DuckDB names a column after its expression.
func TestLongColumnNames(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	sql := "SELECT length('" + strings.Repeat("x", 500<<10) + "')"
	res, _, err := run(t, query.Request{Database: path, SQL: sql})
	if err != nil || len(res.Columns) != 1 || len(res.Columns[0].Name) < 500<<10 {
		t.Errorf("%d columns, error = %.200v", len(res.Columns), err)
	}
}

// TestLateErrors tests errors that occur after rows have been written. DuckDB often stops such a query without saying
// why.
func TestLateErrors(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for _, format := range []query.Format{query.Rows, query.CSV, query.JSON, query.JSONL, query.Parquet, query.Arrow} {
		for range 5 {
			res, _, err := run(t, query.Request{
				Database: path, Format: format, Params: map[string]string{"n": "150000"},
				SQL: "SELECT CAST(CASE WHEN n < $n::INTEGER THEN '7' ELSE 'x' END AS INTEGER) AS v FROM range(1000000) r(n)",
			})
			if fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(err.Error(), "Could not convert string 'x' to INT32") {
				t.Fatalf("%s: %+v, %v (%s)", format, res, err, fault.CodeOf(err))
			}
		}
	}
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for name, req := range map[string]query.Request{
		"no database":            {SQL: "SELECT 1"},
		"no question":            {Database: path},
		"two questions":          {Database: path, SQL: "SELECT 1", Inspect: &query.Inspect{Name: "tables"}},
		"parameters for nothing": {Database: path, Inspect: &query.Inspect{Name: "tables"}, Params: map[string]string{"x": ""}},
		"unknown format":         {Database: path, SQL: "SELECT 1", Format: "xml"},
		"a negative limit":       {Database: path, SQL: "SELECT 1", Limit: -1},
		"no memory":              {Database: path, SQL: "SELECT 1", MemoryLimit: 1},
		"a plan as Parquet":      {Database: path, SQL: "EXPLAIN SELECT 1", Format: query.Parquet},
	} {
		if _, _, err := run(t, req); fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	path := newFile(t, threeEvents)
	tests := []struct {
		name, sql string
		params    map[string]string
		want      string // CSV
	}{
		{"a date", "SELECT count(*) AS n FROM events WHERE day = $day", map[string]string{"day": "2026-01-02"}, "n\n2\n"},
		{"a text with all kinds of quotes", "SELECT $x AS x", map[string]string{"x": `'; DROP TABLE events; --"`}, "x\n\"'; DROP TABLE events; --\"\"\"\n"},
		{"a number", "SELECT 1 + $n::INTEGER AS n", map[string]string{"n": "41"}, "n\n42\n"},
		{"a path of JSON", "SELECT properties->>$path AS p FROM events WHERE event_name = $e LIMIT 1", map[string]string{"path": "$.plan", "e": "signup"}, "p\nfree\n"},
		{"the same one twice", "SELECT $x || $x AS x, $x AS x WHERE $x = 'a'", map[string]string{"x": "a"}, "x,x_1\naa,a\n"},
		{"without a name", "SELECT ? || ? AS x", map[string]string{"1": "a", "2": "b"}, "x\nab\n"},
		{"as a limit", "SELECT 1 AS x FROM range(9) LIMIT $n", map[string]string{"n": "1"}, "x\n1\n"},
	}
	for _, tt := range tests {
		for _, format := range []query.Format{query.CSV, query.Parquet} {
			t.Run(tt.name+" as "+string(format), func(t *testing.T) {
				t.Parallel()
				_, out, err := run(t, query.Request{Database: path, SQL: tt.sql, Params: tt.params, Format: format})
				if err != nil || format == query.CSV && out != tt.want {
					t.Errorf("got %q, %v, want %q", out, err, tt.want)
				}
			})
		}
	}
	_, _, err := run(t, query.Request{Database: path, SQL: "SELECT 1 + $n", Params: map[string]string{"n": "1", "m": "2"}})
	if fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(fmt.Sprint(err), "no parameter $m") {
		t.Errorf("a value for nothing: %v", err)
	}
	_, _, err = run(t, query.Request{Database: path, SQL: "SELECT 1 + $n", Params: map[string]string{"n": "x"}})
	if fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(fault.HintOf(err), "$name::INTEGER") || strings.Contains(err.Error(), "LINE") {
		t.Errorf("a number that is none: error = %v (try: %s)", err, fault.HintOf(err))
	}
}

func TestLongList(t *testing.T) {
	t.Parallel()
	path := newFile(t, threeEvents)
	ids := "'u2'" + strings.Repeat(", '3f0c9a52-54b4-4c8e-b6a0-6b0b8ed2f5a1'", 20_000)
	_, out, err := run(t, query.Request{Database: path, SQL: "SELECT event_name FROM events WHERE distinct_id IN (" + ids + ")", Format: query.CSV})
	if err != nil || out != "event_name\npurchase\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for _, format := range []query.Format{query.Rows, query.CSV, query.JSON, query.JSONL, query.Parquet, query.Arrow} {
		for limit, want := range map[int64]struct {
			rows      int64
			truncated bool
		}{0: {5000, false}, 3000: {3000, true}, 5000: {5000, false}, 5001: {5000, false}} {
			t.Run(fmt.Sprintf("%s of %d", format, limit), func(t *testing.T) {
				t.Parallel()
				res, _, err := run(t, query.Request{Database: path, SQL: "FROM range(5000)", Format: format, Limit: limit})
				if err != nil || res.Rows != want.rows || res.Truncated != want.truncated {
					t.Errorf("%d rows, truncated is %v, %v", res.Rows, res.Truncated, err)
				}
			})
		}
	}
}

func TestOutputFile(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	dir := t.TempDir()
	output := filepath.Join(dir, "result.csv")
	if err := os.WriteFile(output, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	launch := launcher(t)
	failing := query.Request{Database: path, SQL: "SELECT if(range < 100000, 1, error('late')) FROM range(100001)", Format: query.CSV, Output: output}
	if _, err := query.Run(t.Context(), launch, failing); fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("error = %v", err)
	}
	if all := snapshot(t, dir); !all.equal(files{output: "old"}) {
		t.Errorf("a failed query leaves %v", all.names())
	}
	res, err := query.Run(t.Context(), launch, query.Request{Database: path, SQL: "SELECT 42 AS x", Format: query.CSV, Output: output})
	if err != nil || res.Bytes != 5 {
		t.Errorf("result = %+v, %v", res, err)
	}
	if all := snapshot(t, dir); !all.equal(files{output: "x\n42\n"}) {
		t.Errorf("a query leaves %v", all.names())
	}
}

func TestBoundOfTheResult(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	dir := t.TempDir()
	for _, format := range []query.Format{query.Rows, query.CSV, query.JSON, query.JSONL, query.Parquet, query.Arrow} {
		for _, output := range []string{"", filepath.Join(dir, "result")} {
			res, _, err := run(t, query.Request{
				Database: path, SQL: "SELECT hash(range), uuid() FROM range(1000000)", Format: format, Output: output, MaxResultBytes: 1e6,
			})
			if !errors.Is(err, query.ErrTooLarge) {
				t.Errorf("%s: %+v, %v", format, res, err)
			}
		}
		res, _, err := run(t, query.Request{Database: path, SQL: "SELECT 1", Format: format, MaxResultBytes: 1000})
		if err != nil {
			t.Errorf("%s of %d bytes: %v", format, res.Bytes, err)
		}
	}
	if all := snapshot(t, dir); len(all) != 0 {
		t.Errorf("results that are too large leave %v", all.names())
	}
}

func TestDatabasesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := filepath.Join(dir, "text.db")
	if err := os.WriteFile(other, []byte(strings.Repeat("no database ", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := run(t, query.Request{Database: filepath.Join(dir, "missing.db"), SQL: "SELECT 1"})
	if !errors.Is(err, storage.ErrNotFound) || fault.CodeOf(err) != fault.CodeNotFound {
		t.Errorf("no file: error = %v", err)
	}
	_, _, err = run(t, query.Request{Database: other, SQL: "SELECT 1"})
	if fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(err.Error(), "is not a DuckDB database") || fault.HintOf(err) == "" {
		t.Errorf("no database: error = %v", err)
	}
	_, _, err = run(t, query.Request{Database: other, SQL: "SELECT +"})
	if !strings.Contains(err.Error(), "Parser Error") {
		t.Errorf("error = %v, want that the SQL is looked at before the data", err)
	}
}

// endless returns statements that take longer than anybody waits.
func endless() map[string]string {
	return map[string]string{
		"a join":                     "SELECT count(*) FROM range(10000000) AS a(x), range(10000000) AS b(y) WHERE x * y % 7 = 3",
		"one long call":              "SELECT levenshtein(repeat('ab', 500000), repeat('ba', 500000))",
		"a sort":                     "SELECT x FROM (SELECT hash(range) AS x FROM range(1000000000)) ORDER BY x",
		"a result that nobody takes": "FROM range(1000000000000)",
	}
}

// A query ends with its context, even if its statement has not ended. BenchmarkCancel measures how soon.
func TestEndOfTheContext(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for name, sql := range endless() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			launch := launcher(t)
			reader, writer := io.Pipe()
			defer reader.Close()
			launch.Stdout = writer
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(300*time.Millisecond, func() { cancel(errPatience) })
			context.AfterFunc(ctx, func() { reader.Close() })
			temp := t.TempDir()
			done := make(chan struct{})
			go func() {
				defer close(done)
				if _, err := query.Run(ctx, launch, query.Request{Database: path, SQL: sql, TempDir: temp}); !errors.Is(err, errPatience) {
					t.Errorf("error = %v", err)
				}
			}()
			proctest.Await(t, "the end of the query", done)
			if all := snapshot(t, temp); len(all) != 0 {
				t.Errorf("left behind: %v", all.names())
			}
		})
	}
}
