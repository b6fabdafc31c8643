package query

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mixduck/internal/proctest"
	"mixduck/internal/rapidtest"
	"mixduck/storage"
)

// names are properties of the test's events. The first ten have columns.
var names = []string{"plan", "$city", "a.b", "a b", "it's", "Select", "é", "a[0]", "#1", "n", "plans", "0", ""}

// someValues are JSON values that are easily confused.
var someValues = []string{
	`"pro"`, `"Pro"`, `""`, `"null"`, `null`, `1`, `1.0`, `1e3`, `1E+2`, `-0`, `0.1`, `12345678901234567890`, `1.7976931348623157e308`, `"1"`, `"1.0"`, `true`, `"true"`,
	`[1, 2]`, `{"b": 1,"a":  "x"}`, `[]`, `{}`, `"a\"b"`, `"\u0041"`, `"é😀"`, `"\n"`, `" pro "`, `"2026-11-01"`,
}

// someEvents returns a statement that inserts events. Some have a property twice, or with an escape in its name.
func someEvents(t *rapid.T) string {
	var rows []string
	for i := range rapid.IntRange(1, 6).Draw(t, "rows") {
		var fields []string
		for range rapid.IntRange(0, 8).Draw(t, "fields") {
			name := rapid.SampledFrom(names).Draw(t, "name")
			if name != "" && rapid.IntRange(0, 9).Draw(t, "escaped") == 0 {
				first, _ := utf8.DecodeRuneInString(name)
				name = fmt.Sprintf(`\u%04x`, first) + strings.TrimPrefix(name, string(first))
			}
			fields = append(fields, `"`+name+`":`+rapid.SampledFrom(someValues).Draw(t, "value"))
		}
		rows = append(rows, fmt.Sprintf("('e%d', '2026-11-01', 'u%d', '%d', %s, '2026-11-01')", i%2, i%3, i, literal("{"+strings.Join(fields, ", ")+"}")))
	}
	return "INSERT INTO events (event_name, event_time, distinct_id, insert_id, properties, day) VALUES " + strings.Join(rows, ", ")
}

// someStatement returns a statement that reads properties. Each $P becomes an expression, after the reference to a table.
func someStatement(t *rapid.T) string {
	text := rapid.SampledFrom([]string{
		"SELECT $P, count(*) FROM events GROUP BY 1",
		"SELECT $P AS p, events.$P FROM Events WHERE $P = 'pro' OR $P IS NULL OR $P IN ('1', '1.0', '1000.0')",
		"SELECT e.$P, f.$P FROM events AS e JOIN events f ON e.$P = f.$P",
		"SELECT count(DISTINCT $P), min($P), max($P), count($P) FILTER ($P LIKE '%1%') FROM main.events WHERE event_name = 'e1'",
		"SELECT x, count(*) FROM (SELECT $P AS x, distinct_id FROM events) WHERE x IS NOT NULL GROUP BY ALL HAVING count(*) > 0",
		"SELECT * FROM (SELECT $P FROM events) AS x",
		"WITH events AS (SELECT '{\"plan\":\"cte\",\"n\":7}'::JSON AS properties) SELECT $P FROM events",
		"WITH w AS (SELECT distinct_id AS d, $P AS p FROM events) SELECT * FROM w JOIN events ON d = distinct_id AND p = events.$P",
		"SELECT lower($P) AS plan, count(*) FROM events WHERE plan = 'pro' GROUP BY ALL",
		"SELECT distinct_id, (SELECT max($P) FROM events f WHERE f.$P = e.$P) FROM events e",
		"SELECT $P FROM events UNION ALL SELECT $P FROM events e WHERE e.$P > 'a'",
		"SELECT TRY_CAST($P AS DOUBLE), TRY_CAST($P AS BIGINT), $P || 'x', coalesce($P, $P) FROM events",
		"SELECT i, e.$P FROM range(3) AS r(i) LEFT JOIN events e ON e.$P = i::VARCHAR",
		"SELECT row_number() OVER (PARTITION BY $P ORDER BY insert_id), $P FROM events QUALIFY $P IS NOT NULL",
		"SELECT list_transform([properties], properties -> $P) FROM events",
		"SELECT '{\"plan\":\"alias\"}'::JSON AS properties, $P FROM events ORDER BY $P",
		"SELECT $P FROM events GROUP BY properties",
		"SELECT $P AS events, events.$P FROM events ORDER BY events.$P",
		"SELECT DISTINCT ON ($P) $P FROM events ORDER BY $P, insert_id",
		"SELECT CASE WHEN $P = 'pro' THEN $P ELSE 'x' END, ($P) FROM events e(a, b, c, d, properties)",
		"SELECT a.$P FROM (SELECT * FROM events) AS a, events AS b WHERE a.$P = b.$P",
		"SELECT $P FROM events e WHERE EXISTS (SELECT 1 FROM range(2) WHERE $P IS NOT NULL AND e.$P IS NOT NULL)",
		"SELECT $P AS p FROM events GROUP BY ROLLUP (p)",
		"SELECT count(*) FROM events WHERE ($P, $P) IN (SELECT $P, e.$P FROM events e)",
	}).Draw(t, "statement")
	for strings.Contains(text, "$P") {
		name := rapid.SampledFrom(names).Draw(t, "property")
		if rapid.IntRange(0, 2).Draw(t, "often") > 0 {
			name = "plan"
		}
		at := strings.Index(text, "$P")
		start := strings.LastIndexAny(text[:at], " (,") + 1
		qualifier := text[start:at]
		column := rapid.SampledFrom([]string{"properties", "Properties", `"properties"`}).Draw(t, "column")
		form := rapid.SampledFrom([]string{
			"Qproperties->>'N'", "(Qproperties ->> 'N')", "json_extract_string(Qproperties, 'N')", "json_extract_string(Qproperties, '$.\"N\"')", "(Qproperties->>'/N')",
			"json_extract_path_text( Qproperties , '$.N')", "(Qproperties->'N'->>'$')", "json_extract(Qproperties, '$.plan')::VARCHAR", "Qproperties->>'$.N'",
		}).Draw(t, "form")
		form = strings.ReplaceAll(strings.Replace(strings.Replace(form, "properties", column, 1), "Q", qualifier, 1), "N", strings.ReplaceAll(name, "'", "''"))
		text = text[:start] + form + text[at+2:]
	}
	return text
}

// fixture is a file with events, and promoted properties.
type fixture struct {
	path   string
	engine *storage.Engine
	reader reader
}

func newFixture(tb testing.TB, promoted []string) *fixture {
	tb.Helper()
	f := &fixture{path: filepath.Join(tb.TempDir(), "x.db")}
	e, err := storage.Open(tb.Context(), storage.Config{Path: f.path})
	if err != nil {
		tb.Fatal(err)
	}
	all := []storage.Promotion{{Property: "number", Type: "BIGINT"}}
	for _, name := range promoted {
		all = append(all, storage.Promotion{Property: name, Type: "VARCHAR"})
	}
	if _, err := e.Prepare(tb.Context(), storage.Table{Name: "events", Project: "1", Job: "job-1", Promote: all}); err != nil {
		tb.Fatal(err)
	}
	if err := e.Close(); err != nil {
		tb.Fatal(err)
	}
	if f.reader.gate, err = newGate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	f.reader.task = &task{Request: Request{Format: Rows}}
	tb.Cleanup(f.close)
	return f
}

func (f *fixture) close() {
	if f.engine != nil {
		f.reader.session.Close()
		f.engine.Close()
	}
	f.reader.gate.close()
}

// fill replaces the events, and opens the file for reading.
func (f *fixture) fill(tb failer, insert string) {
	ctx := tb.Context()
	if f.engine != nil {
		f.reader.session.Close()
		f.engine.Close()
	}
	open := func(readOnly bool) {
		var err error
		if f.engine, err = storage.Open(ctx, storage.Config{Path: f.path, ReadOnly: readOnly}); err != nil {
			tb.Fatalf("%v", err)
		}
		if f.reader.session, err = f.engine.Session(); err != nil {
			tb.Fatalf("%v", err)
		}
	}
	open(false)
	for _, sql := range []string{"DELETE FROM events", insert} {
		if err := f.reader.session.Exec(sql); err != nil {
			tb.Fatalf("%s: %v", sql, err)
		}
	}
	f.reader.session.Close()
	f.engine.Close()
	if err := storage.Refill(ctx, storage.Config{Path: f.path}, "events", nil, 0, func(storage.FillProgress) {}); err != nil {
		tb.Fatalf("%v", err)
	}
	open(true)
}

// failer is a test of package testing or rapid.
type failer interface {
	Context() context.Context
	Fatalf(format string, args ...any)
}

// fast returns the statement as it is and, if there is one, with columns.
func (f *fixture) fast(tb failer, text string) (given, fast *statement) {
	st, err := f.reader.gate.check(tb.Context(), text)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	f.reader.statement = st
	if fast, err = f.reader.useColumns(tb.Context()); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return st, fast
}

// rows returns the rows of a statement in any order, and its error.
func (f *fixture) rows(st *statement) (all []string) {
	prepared, err := st.prepare(f.reader.session, "SELECT row(COLUMNS(*))::VARCHAR FROM "+st.subquery())
	if err != nil {
		return []string{"error: " + firstLine(err.Error())}
	}
	defer prepared.Close()
	rows, err := prepared.Query()
	if err != nil {
		return []string{"error: " + firstLine(err.Error())}
	}
	defer rows.Close()
	for rows.Next() {
		text, _ := rows.Text(0)
		all = append(all, string(text))
	}
	if err := rows.Err(); err != nil {
		return []string{"error: " + firstLine(err.Error())}
	}
	slices.Sort(all)
	return all
}

// Statements have the same answer with columns as on the JSON.
func TestColumnsAnswerLikeTheJSON(t *testing.T) {
	t.Parallel()
	f := newFixture(t, names[:10])
	statements, used, rounds := 0, 0, 4
	if proctest.Soak() {
		rounds = 200
	}
	rapid.Check(t, rapidtest.Few(rounds, func(t *rapid.T) {
		f.fill(t, someEvents(t))
		for range 20 {
			text := someStatement(t)
			given, fast := f.fast(t, text)
			statements++
			if fast == nil {
				continue
			}
			used++
			onJSON := f.rows(given)
			if len(onJSON) > 0 && strings.HasPrefix(onJSON[0], "error: ") { // because a precedence is not what one expects
				continue
			}
			if diff := cmp.Diff(onJSON, f.rows(fast)); diff != "" {
				t.Fatalf("%s\nwith columns: %s (-JSON +columns):\n%s", text, fast.text, diff)
			}
		}
	}))
	t.Logf("%d of %d statements used columns", used, statements)
	if used < statements/4 {
		t.Errorf("%d of %d statements used columns, want more", used, statements)
	}
}

// Which statements use columns, and what they are noted to read.
func TestStatementsThatUseColumns(t *testing.T) {
	t.Parallel()
	f := newFixture(t, []string{"plan", "$city", "it's"})
	f.fill(t, "INSERT INTO events (event_name, event_time, properties, day) VALUES ('e', '2026-11-01', '{}', '2026-11-01')")
	for _, tt := range []struct{ text, want, reads string }{
		{"SELECT properties->>'plan' FROM events", `SELECT "events"."plan" FROM events`, "plan"},
		{"select E.Properties ->> '$.\"$city\"' from Events as e;", `select "e"."$city" from Events as e`, "$city"},
		{"FROM events SELECT json_extract_string(properties, '/it''s')", `FROM events SELECT "events"."it's"`, "it's"},
		{"EXPLAIN SELECT 1 FROM events WHERE (properties->>'plan') = 'ü' AND '😀' <> (properties->>'plan')", `EXPLAIN  SELECT 1 FROM events WHERE ("events"."plan") = 'ü' AND '😀' <> ("events"."plan")`, "plan"},
		{"SELECT properties->>'plan', properties->>'other' FROM events", `SELECT "events"."plan", properties->>'other' FROM events`, "other plan"},
		{"SELECT (SELECT max(properties->>'plan') AS p FROM events)", `SELECT (SELECT max("events"."plan") AS p FROM events)`, "plan"},
		{"SELECT (SELECT max(properties->>'plan') FROM events)", "", "plan"}, // its name could be used
		{"SELECT properties->>'number' FROM events", "", "number"},           // 1.0 would be 1
		{"SELECT properties->'plan' FROM events", "", "plan"},                // the column does not know 1 from "1"
		{"SELECT properties /* JSON */ ->> 'plan' FROM events", "", "plan"},  // not written in a simple way
		{"SELECT properties->>'plan' FROM (FROM events)", "", "plan"},        // not a table
		{"SELECT properties->>'plan' FROM events, range(2)", "", "plan"},     // not certain
		{"WITH events AS (SELECT '{}'::JSON AS properties) SELECT properties->>'plan' FROM events", "", ""},
		{"SELECT * FROM retention('events', filter := properties->>'plan' = 'pro')", "", "plan"},
		{"SELECT json_extract_string(properties, ['$.plan', '$.x']) FROM events", "", "plan x"},
		{"SELECT plan, number FROM events", "", "number plan"},
		{"SELECT 'properties->>''plan''' FROM events", "", ""},
	} {
		_, fast := f.fast(t, tt.text)
		got := ""
		if fast != nil {
			got = fast.text
		}
		if got != tt.want {
			t.Errorf("%s\nruns as %q, want %q", tt.text, got, tt.want)
		}
		var reads []string
		for _, r := range f.reader.res.Reads {
			reads = append(reads, r.Property)
		}
		if got := strings.Join(reads, " "); got != tt.reads {
			t.Errorf("%s\nreads %q, want %q", tt.text, got, tt.reads)
		}
		f.reader.res.Reads = nil
	}
}
