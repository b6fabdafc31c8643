package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"mixduck/internal/day"
	"mixduck/internal/rapidtest"
	"mixduck/storage"
)

// countedSQL counts the properties of a table from its rows, with DuckDB's own functions.
const countedSQL = `WITH each AS (
	SELECT t.rowid AS row, {day} AS day, {event} AS event_name, j.key, j.type, j.value::VARCHAR AS value,
		row_number() OVER (PARTITION BY t.rowid, j.key ORDER BY j.id) AS place
	FROM {table} AS t, json_each(t.properties) AS j WHERE {current}
)
SELECT day, event_name, key AS property, CASE
	WHEN type = 'VARCHAR' THEN 'string' WHEN type IN ('BOOLEAN', 'NULL', 'ARRAY', 'OBJECT') THEN lower(type)
	WHEN NOT regexp_full_match(value, '-?[0-9]+') THEN 'number' WHEN TRY_CAST(value AS BIGINT) IS NOT NULL THEN 'integer'
	WHEN regexp_full_match(value, '-?[0-9]{1,38}') THEN 'large integer' ELSE 'number' END AS json_type, count(*) AS row_count
FROM each WHERE place = 1 GROUP BY ALL
UNION ALL SELECT {day}, {event}, NULL, NULL, count(*) FROM {table} WHERE {current} GROUP BY ALL HAVING count(*) > 0`

// counted returns the query for a table of events, or a keyed one with a condition for its current rows.
func counted(table, current string) string {
	date, event := "day", "event_name"
	if current != "" {
		date, event = "NULL::DATE", "NULL::VARCHAR"
	} else {
		current = "true"
	}
	return strings.NewReplacer("{table}", table, "{day}", date, "{event}", event, "{current}", current).Replace(countedSQL)
}

// wrongCounts lists the differences between the catalogue and the rows of a table, and examples that no row has.
func wrongCounts(table, current string) string {
	stored := "SELECT day, event_name, property, json_type, row_count FROM mixduck.property_counts WHERE table_name = '" + table + "'"
	rows := "SELECT * FROM (" + counted("main."+table, current) + ")"
	return fmt.Sprintf(`(SELECT 'stored', * FROM (%[1]s EXCEPT ALL %[2]s)) UNION ALL (SELECT 'missing', * FROM (%[2]s EXCEPT ALL %[1]s))
		UNION ALL SELECT 'example', day, event_name, property, json_type || ': ' || example, 0 FROM mixduck.property_examples AS x
		WHERE table_name = '%[3]s' AND (day, event_name, property, json_type) NOT IN (SELECT (day, event_name, property, json_type) FROM (%[1]s) WHERE property IS NOT NULL)`,
		stored, rows, table)
}

// wantCatalogue compares the catalogue with the rows of all tables of events.
func wantCatalogue(tb testing.TB, db *sql.DB) {
	tb.Helper()
	for _, table := range queryDB(tb, db, "SELECT table_name FROM mixduck.tables WHERE type = 'events'") {
		want(tb, "wrong in the catalogue of "+table, queryDB(tb, db, wrongCounts(table, "")), nil)
	}
	for _, table := range queryDB(tb, db, "SELECT table_name || ' ' || if(history, 'valid_to IS NULL', 'true') FROM mixduck.keyed") {
		table, current, _ := strings.Cut(table, " ")
		want(tb, "wrong in the catalogue of "+table, queryDB(tb, db, wrongCounts(table, current)), nil)
	}
	want(tb, "left in the catalogue", queryDB(tb, db, `SELECT DISTINCT table_name FROM mixduck.property_counts
		WHERE table_name NOT IN (SELECT table_name FROM mixduck.tables)`), nil)
	want(tb, "not counted", queryDB(tb, db, "FROM mixduck.uncounted"), nil)
	// Each example is the beginning of a value of its day.
	want(tb, "examples that no row has", queryDB(tb, db, `SELECT x.* FROM mixduck.property_examples AS x WHERE table_name = 'events' AND NOT EXISTS (
		FROM events AS e, json_each(e.properties) AS j WHERE e.day = x.day AND e.event_name = x.event_name AND j.key = x.property
			AND starts_with(coalesce(e.properties ->> ('/' || replace(replace(j.key, '~', '~0'), '/', '~1')), 'null'), rtrim(x.example, '…')))`), nil)
}

// hostileNames are names of properties that differ little, or are special somewhere.
var hostileNames = []string{"plan", "Plan", "a.b", "", "$os", "select", "😀", `q"uote`, "line\nbreak", "_a_", "a/b~c", strings.Repeat("long", 1024)}

// drawProperties returns more properties, each with a comma before it, and a name twice now and then.
func drawProperties(t *rapid.T) string {
	values := []string{"1", "1.5", `"text"`, `"other"`, "true", "null", "[1]", `{"a":1}`, "12345678901234567890"}
	var b strings.Builder
	for range rapid.IntRange(0, 4).Draw(t, "properties") {
		fmt.Fprintf(&b, ",%q:%s", rapid.SampledFrom(hostileNames).Draw(t, "name"), rapid.SampledFrom(values).Draw(t, "value"))
	}
	return b.String()
}

// drawLines returns lines of some days, with duplicates.
func drawLines(t *rapid.T, days day.Range) string {
	var b strings.Builder
	for range rapid.IntRange(1, 10).Draw(t, "events") {
		d := days.From + day.Day(rapid.IntRange(0, days.Len()-1).Draw(t, "day"))
		line := event(d, 1, rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(t, "id"),
			fmt.Sprintf(`,"mp_processing_time_ms":%d`, rapid.IntRange(1, 3).Draw(t, "processed")), drawProperties(t))
		if rapid.Bool().Draw(t, "other event") {
			line = strings.Replace(line, `"e"`, `"Ünï 😀"`, 1)
		}
		b.WriteString(line)
	}
	return b.String()
}

// catalogueTest is a database on which random operations run.
type catalogueTest struct {
	tb   testing.TB
	path string
	e    *storage.Engine
	t    *rapid.T
	job  int
}

func (c *catalogueTest) step(ctx context.Context) error {
	c.job++
	job, days := fmt.Sprint("job-", c.job), span(rapid.IntRange(0, 2).Draw(c.t, "from"), rapid.IntRange(1, 2).Draw(c.t, "days"))
	table := storage.Table{Name: "events", Project: "1", Job: job, Days: days}
	w := window(days, drawLines(c.t, days))
	w.Job, w.Force = job, true
	switch rapid.SampledFrom([]string{"replace", "replace", "append", "empty", "swap", "drop", "promote", "refresh", "refresh", "cut", "kill", "compact"}).Draw(c.t, "step") {
	case "append":
		w.Add = true
	case "empty":
		w = window(days)
		w.Job, w.Force, w.AllowEmpty = job, true, true
	case "swap":
		table.Replace = true
		plan, err := c.e.Prepare(ctx, table)
		if err != nil {
			return err
		}
		if w.Table = plan.Table; rapid.Bool().Draw(c.t, "left unfinished") {
			_, err := c.e.Load(ctx, w)
			return err
		}
		if _, err := c.e.Load(ctx, w); err != nil {
			return err
		}
		return c.e.Swap(ctx, "events", 0)
	case "drop":
		if err := c.e.Drop(ctx, "events", 0); err != nil {
			return nil //nolint:nilerr // there is none
		}
		_, err := c.e.Prepare(ctx, table)
		return err
	case "promote":
		if _, err := c.e.Prepare(ctx, table); err != nil {
			return err
		}
		return c.e.Promote(ctx, "events", []storage.Promotion{{Property: "plan", Type: "VARCHAR"}, {Property: "$os", Type: "BIGINT"}}, 0)
	case "refresh":
		return c.refresh(ctx, job)
	case "cut": // in the middle of the answer
		w.Parts = []io.Reader{io.MultiReader(w.Parts[0], iotest.ErrReader(io.ErrUnexpectedEOF))}
		w.Add = rapid.Bool().Draw(c.t, "append")
		if _, err := c.e.Load(ctx, w); err == nil {
			c.tb.Error("a window was loaded without its end")
		}
		return nil
	case "kill":
		return c.kill()
	case "compact":
		closeEngine(c.tb, c.e)
		_, _, err := storage.Compact(ctx, storage.Config{Path: c.path}, 0)
		c.e = open(c.tb, storage.Config{Path: c.path})
		return err
	}
	if _, err := c.e.Prepare(ctx, table); err != nil {
		return err
	}
	_, err := c.e.Load(ctx, w)
	return err
}

// kill goes on with what a killed process leaves behind: the file without its last checkpoint, and the log.
func (c *catalogueTest) kill() error {
	left := filepath.Join(c.tb.TempDir(), "x.db")
	for _, end := range []string{"", ".wal"} {
		content, err := os.ReadFile(c.path + end)
		switch {
		case end != "" && errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		}
		if err := os.WriteFile(left+end, content, 0o600); err != nil {
			return err
		}
	}
	closeEngine(c.tb, c.e)
	c.path = left
	c.e = open(c.tb, storage.Config{Path: left})
	return nil
}

func (c *catalogueTest) refresh(ctx context.Context, job string) error {
	var rows persons
	for range rapid.IntRange(0, 8).Draw(c.t, "profiles") {
		id := rapid.SampledFrom([]string{"u", "v", "w", "x"}).Draw(c.t, "id")
		rows = append(rows, id, `{"id":"`+id+`"`+drawProperties(c.t)+"}")
	}
	table := people(rapid.SampledFrom([]string{"people", "versions"}).Draw(c.t, "table"))
	table.History = table.Name == "versions"
	_, err := c.e.Refresh(ctx, storage.Refresh{
		Table: table, Parts: []storage.Part{rows}, Full: rapid.Bool().Draw(c.t, "full"), Force: true, Job: job, FetchedAt: now, Requests: 1,
	})
	return err
}

// After any sequence of changes, the catalogue equals one that is counted from the tables.
func TestCatalogueIsThatOfTheRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		path := filepath.Join(t.TempDir(), "x.db")
		c := &catalogueTest{tb: t, path: path, e: open(t, storage.Config{Path: path}), t: rt}
		prepare(t, c.e, storage.Table{Name: "events", Project: "1", Job: "job-0", Days: span(0, 4)})
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			if err := c.step(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantCatalogue(t, storage.DB(c.e))
		}
		closeEngine(t, c.e)
	})
}

// The days that older versions have loaded are counted by the next loads.
func TestCatalogueOfAnOlderFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	unpack(t, "testdata/version8.db.gz", path)
	e := open(t, storage.Config{Path: path})
	want(t, "not counted", queryDB(t, storage.DB(e), "SELECT day FROM mixduck.uncounted ORDER BY ALL"), []string{"2026-11-01", "2026-11-02"})
	added := window(span(1, 1), event(first+1, 50, "late", `,"new":true`))
	added.Add, added.Job = true, "job-2" // a day that is not counted cannot be added to
	load(t, e, added)
	wantCatalogue(t, storage.DB(e))
	want(t, "kinds", queryDB(t, storage.DB(e), "SELECT types, row_count, share, first_day, last_day FROM mixduck.properties WHERE property = 'mixed'"),
		[]string{"integer, null, number, object, string|20|" + fmt.Sprint(20.0/21) + "|2026-11-01|2026-11-02"})
	closeEngine(t, e)
}

// Both ways to count treat names alike that SQL could cut.
func TestCatalogueOfOddNames(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	db := storage.DB(e)
	const odd = `,"nul\u0000name":1,"\u0000":"\u0000x","\ud83d\ude00é":[1],"\n":1.5,"0000003abc":true,"'":"it's"`
	load(t, e, window(span(0, 1), event(first, 1, "a", odd)))
	const stored = "SELECT property, json_type, row_count FROM mixduck.property_counts ORDER BY ALL"
	whileLoading := queryDB(t, db, stored)
	if _, err := db.ExecContext(t.Context(), "DELETE FROM mixduck.property_counts; INSERT INTO mixduck.uncounted VALUES ('events', ?)", first.String()); err != nil {
		t.Fatal(err)
	}
	w := window(span(1, 1), event(first+1, 1, "b"))
	load(t, e, w) // counts the other day, too
	want(t, "counted with SQL", queryDB(t, db, strings.Replace(stored, "ORDER", "WHERE day = '"+first.String()+"' ORDER", 1)), whileLoading)
	makeModel(t, e, false)
	want(t, "columns", columnsOf(t, db, "e"), []string{"property DOUBLE", "property_2 VARCHAR", "_0000003abc BOOLEAN", "é JSON"})
}

// Of too many properties, the most frequent ones are counted, and the rest together.
func TestCatalogueOfManyProperties(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	var b strings.Builder
	const all = 10_050
	for i := range all {
		b.WriteString(event(first, i, strconv.Itoa(i), fmt.Sprintf(`,"k%d":%d`, i, i)))
	}
	load(t, e, window(span(0, 1), b.String()))
	w := window(span(0, 1), event(first, all, "late", `,"k1":"x"`))
	w.Add, w.Job = true, "job-2"
	load(t, e, w)
	closeEngine(t, e)
	want(t, "names", query(t, path, "SELECT count(DISTINCT property), sum(row_count) FROM mixduck.property_counts WHERE property IS NOT NULL"),
		[]string{fmt.Sprint("10000|", 3*(all+1)+10_000-3+1)})
	want(t, "others", query(t, path, "SELECT event_name, property, types, row_count FROM mixduck.properties WHERE types = 'other'"), []string{"e|NULL|other|53"})
	want(t, "frequent", query(t, path, "SELECT property, row_count FROM mixduck.properties WHERE property IN ('time', 'k1')  ORDER BY ALL"),
		[]string{"k1|2", fmt.Sprint("time|", all+1)})
}

func TestDescriptions(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), event(first, 1, "a", `,"plan":"free"`)))
	lexicon := storage.Keyed{Name: "words", Project: "1", Stream: "lexicon_properties", Columns: []storage.KeyedColumn{
		{Name: "kind", Type: "VARCHAR", Key: true}, {Name: "entity", Type: "VARCHAR", Key: true}, {Name: "name", Type: "VARCHAR", Key: true}, {Name: "description", Type: "VARCHAR"},
	}}
	r := storage.Refresh{Table: lexicon, Full: true, Job: "l", FetchedAt: now, Parts: []storage.Part{words{{"event", "e", "plan", "The plan"}, {"event", "x", "plan", "Other"}}}}
	if _, err := e.Refresh(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	const described = "SELECT property, description FROM mixduck.properties WHERE property = 'plan'"
	want(t, "description", queryDB(t, storage.DB(e), described), []string{"plan|The plan"})
	if err := e.Drop(t.Context(), "words", 0); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, e)
	want(t, "description after a drop", query(t, path, described), []string{"plan|NULL"})
}

// words is a part of rows of texts.
type words [][]string

func (w words) Open() (storage.RowReader, error) { return &wordReader{w}, nil }

type wordReader struct{ left words }

func (r *wordReader) Next(row *storage.KeyedRow) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	row.Bad = nil
	for i, text := range r.left[0] {
		row.Values[i] = []byte(text)
	}
	r.left = r.left[1:]
	return nil
}

func (*wordReader) Close() error { return nil }
