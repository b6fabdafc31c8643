package storage_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mixduck/storage"
)

// makeModel creates or extends the typed views and returns what has changed.
func makeModel(tb testing.TB, e *storage.Engine, force bool) storage.ModelResult {
	tb.Helper()
	r, err := e.Model(tb.Context(), force, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// columnsOf returns "name TYPE" of a view's columns, without the common ones of events.
func columnsOf(tb testing.TB, db *sql.DB, view string) []string {
	tb.Helper()
	all := queryDB(tb, db, "SELECT column_name || ' ' || column_type FROM (DESCRIBE model."+view+")")
	if len(all) > 7 && strings.HasPrefix(all[0], "event_name") {
		return all[7:]
	}
	return all
}

func TestModelOfEvents(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	line := func(name, more string) string {
		return fmt.Sprintf(`{"event":%q,"properties":{"time":%d,"distinct_id":"u"%s}}`+"\n", name, int(first)*86400+1, more)
	}
	load(t, e, window(span(0, 1),
		line("Sign Up", `,"plan":"free","n":1,"price":1.5,"ok":true,"tags":["a"],"nothing":null,"mixed":1`),
		line("Sign Up", `,"plan":"pro","n":-2,"price":2,"ok":false,"tags":{"b":1},"mixed":"x"`),
		line("sign_up", `,"x":1`), line("SIGN UP", `,"x":1`), line("select", `,"x":1`), line("😀", `,"x":1`), line("", `,"x":1`), line("it's \"1\"", `,"x":1`)))
	r := makeModel(t, e, false)
	db := storage.DB(e)
	want(t, "views", queryDB(t, db, "SELECT view_name FROM duckdb_views() WHERE schema_name = 'model' ORDER BY ALL"),
		[]string{"event", "event_2", "it_s_1", "select_", "sign_up", "sign_up_2", "sign_up_3"})
	want(t, "result", fmt.Sprint(r), fmt.Sprint(storage.ModelResult{Views: 7, Columns: 13, Added: 13}))
	want(t, "columns", columnsOf(t, db, "sign_up_3"), []string{
		"mixed VARCHAR", "n BIGINT", "nothing VARCHAR", "ok BOOLEAN", "plan VARCHAR", "price DOUBLE", "tags JSON",
	})
	want(t, "rows", queryDB(t, db, "SELECT mixed, n, nothing, ok, plan, price, tags FROM model.sign_up_3 ORDER BY ALL"),
		[]string{"1|1|NULL|true|free|1.5|[\"a\"]", "x|-2|NULL|false|pro|2.0|{\"b\":1}"})
	want(t, "rows of one with quotes", queryDB(t, db, "SELECT event_name, x FROM model.it_s_1"), []string{`it's "1"|1`})
	want(t, "a second time", fmt.Sprint(makeModel(t, e, true)), fmt.Sprint(storage.ModelResult{Views: 7, Columns: 13}))
	closeEngine(t, e)
	want(t, "rows for another program", query(t, path, "SELECT x FROM model.select_"), []string{"1"})
}

// A typed column never has another number than the property.
func TestModelOfLargeNumbers(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	var lines []string
	for i, v := range [][3]string{
		{"9223372036854775807", "18446744073709551615", "1.5"},
		{"-9223372036854775808", "-99999999999999999999999999999999999999", "9007199254740993"},
		{"1", "2", "9007199254740992"},
		{"-0", "0", "-123456789012345678"},
		{`"1777447276699683453"`, `"1e3"`, `"18446744073709551616"`},
		{"null", `"1.0"`, "0.1234567890123456789"},
		{`"1.5"`, "null", `"1e309"`},
		{`"x"`, `"-5"`, `"1e308"`},
		{`""`, `"123456789012345678901234567890123456789"`, `"9007199254740993.0"`},
	} {
		lines = append(lines, event(first, i, strconv.Itoa(i), fmt.Sprintf(`,"i":%s,"w":%s,"d":%s`, v[0], v[1], v[2])))
	}
	numbers := lines[:4]
	load(t, e, window(span(0, 1), strings.Join(numbers, "")))
	makeModel(t, e, false)
	load(t, e, window(span(0, 1), strings.Join(lines, "")))
	db := storage.DB(e)
	want(t, "columns", columnsOf(t, db, "e"), []string{"d DOUBLE", "i BIGINT", "w DECIMAL(38,0)"})
	want(t, "values", queryDB(t, db, "SELECT i::VARCHAR, w::VARCHAR, d::VARCHAR FROM model.e ORDER BY insert_id"), []string{
		"9223372036854775807|18446744073709551615|1.5", "-9223372036854775808|-99999999999999999999999999999999999999|NULL",
		"1|2|9007199254740992.0", "0|0|NULL", "1777447276699683453|NULL|1.8446744073709552e+19", "NULL|1|0.12345678901234568",
		"NULL|NULL|NULL", "NULL|-5|1e+308", "NULL|NULL|NULL",
	})
	load(t, e, window(span(1, 1), event(first+1, 1, "z", `,"i":9223372036854775808,"w":1.5,"d":9223372036854775808`)))
	var needed []string
	r := makeModel(t, e, false)
	sortNarrow(r.Narrow)
	for _, n := range r.Narrow {
		needed = append(needed, n.Column+" "+n.Needed)
	}
	want(t, "needed types", needed, []string{"d VARCHAR", "i VARCHAR", "w VARCHAR"})
}

// An event without further properties has a view of the common columns, and gets others later.
func TestModelOfABareEvent(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	load(t, e, window(span(0, 1), event(first, 1, "a")))
	makeModel(t, e, false)
	want(t, "rows", queryDB(t, storage.DB(e), "SELECT insert_id, day FROM model.e"), []string{"a|2026-11-01"})
	load(t, e, window(span(1, 1), event(first+1, 1, "b", `,"v":1`)))
	want(t, "result", fmt.Sprint(makeModel(t, e, false)), fmt.Sprint(storage.ModelResult{Views: 1, Columns: 1, Added: 1}))
	want(t, "columns", columnsOf(t, storage.DB(e), "e"), []string{"v BIGINT"})
}

// A column is only added: later values of another type are NULL in it until somebody forces a wider one.
func TestModelNeverBreaksAView(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	db := storage.DB(e)
	load(t, e, window(span(0, 1), event(first, 1, "a", `,"v":1,"w":1,"z":{"a":1}`)))
	makeModel(t, e, false)
	load(t, e, window(span(1, 1), event(first+1, 1, "b", `,"v":"text","w":1.5,"new":true,"z":[1]`), event(first+1, 2, "c", `,"v":{"a":1}`), event(first+1, 3, "d", `,"v":"12"`)))
	narrow := []storage.NarrowColumn{{View: "e", Column: "v", Type: "BIGINT", Needed: "VARCHAR"}, {View: "e", Column: "w", Type: "BIGINT", Needed: "DOUBLE"}}
	r := makeModel(t, e, false)
	sortNarrow(r.Narrow)
	want(t, "narrow", r.Narrow, narrow)
	want(t, "columns", columnsOf(t, db, "e"), []string{"v BIGINT", "w BIGINT", "z JSON", "new BOOLEAN"})
	want(t, "values", queryDB(t, db, "SELECT insert_id, v, w, z, new FROM model.e ORDER BY 1"),
		[]string{`a|1|1|{"a":1}|NULL`, "b|NULL|NULL|[1]|true", "c|NULL|NULL|NULL|NULL", "d|12|NULL|NULL|NULL"})
	r = makeModel(t, e, true)
	sortNarrow(r.Narrow)
	want(t, "narrow with force", r.Narrow, narrow)
	want(t, "columns", columnsOf(t, db, "e"), []string{"v VARCHAR", "w DOUBLE", "z JSON", "new BOOLEAN"})
	want(t, "values", queryDB(t, db, "SELECT insert_id, v, w FROM model.e ORDER BY 1"), []string{"a|1|1.0", "b|text|1.5", `c|{"a":1}|NULL`, "d|12|NULL"})
}

// Texts and numbers stay what they are, also if all of them are times, until somebody promotes the property to a time. A
// value that is no time is then NULL.
func TestModelOfTimes(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	db := storage.DB(e)
	load(t, e, window(span(0, 1), event(first, 1, "a", `,"iso":"2026-11-01T10:00:00+02:00","unix":1793491200,"date":"2026-11-01"`),
		event(first, 2, "b", `,"iso":"2026-11-02 10:00:00","unix":1793491201,"date":"2026-11-02"`)))
	makeModel(t, e, false)
	want(t, "columns", columnsOf(t, db, "e"), []string{"date VARCHAR", "iso VARCHAR", "unix BIGINT"})
	want(t, "compared as times", queryDB(t, db, "SELECT insert_id FROM model.e WHERE iso::TIMESTAMPTZ > TIMESTAMPTZ '2026-11-01 12:00:00Z' AND date::DATE > '2026-11-01'"), []string{"b"})
	err := e.Promote(t.Context(), "events", []storage.Promotion{{Property: "iso", Type: "TIMESTAMP"}, {Property: "unix", Type: "TIMESTAMP"}, {Property: "date", Type: "DATE"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	load(t, e, window(span(1, 1), event(first+1, 1, "c", `,"iso":"soon","unix":"x","date":7`)))
	makeModel(t, e, false)
	want(t, "columns after a promotion", columnsOf(t, db, "e"), []string{"date VARCHAR", "iso VARCHAR", "unix BIGINT"})
	makeModel(t, e, true)
	want(t, "columns with force", columnsOf(t, db, "e"), []string{"date DATE", "iso TIMESTAMP", "unix TIMESTAMP"})
	want(t, "values", queryDB(t, db, "SELECT insert_id, date::VARCHAR, iso, unix, properties->>'iso' FROM model.e ORDER BY 1"), []string{
		"a|2026-11-01|2026-11-01 08:00:00|2026-11-01 00:00:00|2026-11-01T10:00:00+02:00", "b|2026-11-02|2026-11-02 10:00:00|2026-11-01 00:00:01|2026-11-02 10:00:00",
		"c|NULL|NULL|NULL|soon",
	})
	want(t, "again", len(makeModel(t, e, true).Narrow), 0)
}

func sortNarrow(all []storage.NarrowColumn) {
	for i := range all {
		for j := i + 1; j < len(all); j++ {
			if all[j].Column < all[i].Column {
				all[i], all[j] = all[j], all[i]
			}
		}
	}
}

// Views follow promotions, refilled and dropped tables, and read promoted columns.
func TestModelFollowsTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	e := open(t, storage.Config{Path: path})
	db := storage.DB(e)
	prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-0", Days: span(0, 1), Promote: []storage.Promotion{{Property: "at", Type: "TIMESTAMP"}, {Property: "n", Type: "VARCHAR"}}})
	load(t, e, window(span(0, 1), event(first, 1, "a", `,"plan":"free","n":5,"at":"2026-11-01T10:00:00"`)))
	refresh(t, e, "p", persons{"u", `{"$email":"x@y","Level":3,"$last_seen":"2026-11-01T10:00:00"}`})
	makeModel(t, e, false)
	const values = "SELECT plan, n, at_ FROM model.e"
	want(t, "values", queryDB(t, db, values), []string{"free|5|2026-11-01 10:00:00"})
	want(t, "profiles", queryDB(t, db, "FROM model.people"), []string{`u|{"$email":"x@y","Level":3,"$last_seen":"2026-11-01T10:00:00"}|NULL|x@y|3`})
	uses := func() []string {
		return queryDB(t, db, "SELECT NOT contains(sql, '/plan') FROM duckdb_views() WHERE view_name = 'e' AND schema_name = 'model'")
	}
	want(t, "reads the column", uses(), []string{"false"})
	if err := e.Promote(t.Context(), "events", []storage.Promotion{{Property: "plan", Type: "VARCHAR"}}, 0); err != nil {
		t.Fatal(err)
	}
	want(t, "reads the column after the promotion", uses(), []string{"true"})
	want(t, "values after a promotion", queryDB(t, db, values), []string{"free|5|2026-11-01 10:00:00"})
	swap := prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-2", Replace: true, Days: span(0, 1)})
	w := window(span(0, 1), event(first, 1, "a", `,"plan":"pro","n":6,"at":"2026-11-01T11:00:00"`))
	w.Table, w.Job = swap.Table, "job-2"
	load(t, e, w)
	if err := e.Swap(t.Context(), "events", 0); err != nil {
		t.Fatal(err)
	}
	want(t, "values after --replace", queryDB(t, db, values), []string{"pro|6|2026-11-01 11:00:00"})
	if err := e.Drop(t.Context(), "people", 0); err != nil {
		t.Fatal(err)
	}
	const views = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'model'"
	want(t, "views", queryDB(t, db, views), []string{"e"})
	closeEngine(t, e)
	if _, _, err := storage.Compact(t.Context(), storage.Config{Path: path}, 0); err != nil {
		t.Fatal(err)
	}
	want(t, "values after compacting", query(t, path, values), []string{"pro|6|2026-11-01 11:00:00"})
	e = open(t, storage.Config{Path: path})
	if _, err := e.DropAll(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, e)
	want(t, "views after dropping everything", query(t, path, views), nil)
}

// A view that somebody else has created stays, and its name is not used.
func TestModelLeavesForeignViews(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	e := open(t, storage.Config{Path: path})
	prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-0", Days: span(0, 1)})
	load(t, e, window(span(0, 1), event(first, 1, "a", `,"v":1`)))
	closeEngine(t, e)
	edit(t, path, "CREATE SCHEMA model", "CREATE VIEW model.e AS SELECT 42 AS answer")
	e = open(t, storage.Config{Path: path})
	makeModel(t, e, false)
	closeEngine(t, e)
	want(t, "theirs and ours", query(t, path, "SELECT answer, v FROM model.e, model.e_2"), []string{"42|1"})
}

func TestModelHasComments(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	load(t, e, window(span(0, 1), event(first, 1, "a", `,"plan":"free","Plan Type":"x"`)))
	makeModel(t, e, false)
	lexicon := storage.Keyed{Name: "words", Project: "1", Stream: "lexicon_properties", Columns: []storage.KeyedColumn{
		{Name: "kind", Type: "VARCHAR", Key: true}, {Name: "entity", Type: "VARCHAR", Key: true}, {Name: "name", Type: "VARCHAR", Key: true}, {Name: "description", Type: "VARCHAR"},
	}}
	r := storage.Refresh{Table: lexicon, Full: true, Job: "l", FetchedAt: now, Parts: []storage.Part{words{{"event", "e", "plan", "The customer's \"plan\""}}}}
	if _, err := e.Refresh(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want(t, "comments", queryDB(t, storage.DB(e), "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'model' AND comment IS NOT NULL ORDER BY ALL"),
		[]string{"plan|The customer's \"plan\"", "plan_type|property Plan Type"})
}

// A view has a limited number of columns, for the most frequent properties.
func TestModelIsBounded(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	var b strings.Builder
	for i := range 600 {
		b.WriteString(event(first, i, strconv.Itoa(i), fmt.Sprintf(`,"k%d":1,"often":1`, i)))
	}
	load(t, e, window(span(0, 1), b.String()))
	r := makeModel(t, e, false)
	want(t, "result", fmt.Sprint(r), fmt.Sprint(storage.ModelResult{Views: 1, Columns: 500, Added: 500, Left: 101}))
	b.Reset()
	for i := range 600 {
		b.WriteString(strings.Replace(event(first+1, i, strconv.Itoa(i)), `"e"`, fmt.Sprintf(`"Event %d"`, i), 1))
	}
	load(t, e, window(span(1, 1), b.String()+strings.Replace(event(first+1, 601, "x"), `"e"`, `"Event 599"`, 1)))
	r = makeModel(t, e, false)
	want(t, "views and events without", fmt.Sprint(r.Views, r.Without), "500 101")
	want(t, "the most frequent", queryDB(t, storage.DB(e), "SELECT count(*) FROM model.event_599"), []string{"2"})
	want(t, "often", queryDB(t, storage.DB(e), "SELECT sum(often) FROM model.e"), []string{"600"})
}

// The model of an older file first counts what is in it.
func TestModelOfAnOlderFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	unpack(t, "testdata/version8.db.gz", path)
	r, err := storage.Model(t.Context(), storage.Config{Path: path}, false, 0)
	if err != nil || r.Views != 1 || r.Added != 4 {
		t.Fatalf("%+v, %v", r, err)
	}
	want(t, "values", query(t, path, "SELECT sum(n), min(plan), max(tags::VARCHAR) FROM model.e"), []string{`190|plan-0|["a"]`})
}
