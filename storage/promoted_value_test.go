package storage_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mixduck/internal/promotion"
	"mixduck/storage"
)

// columnTypes are those that a promoted column can have.
var columnTypes = []promotion.Type{"VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE"}

// documented returns the expression on the JSON that docs/promoted.md says a column is equal to.
func documented(p storage.Promotion) string {
	pointer := "'/" + strings.NewReplacer("'", "''", "~", "~0", "/", "~1").Replace(p.Property) + "'"
	text := "(properties ->> " + pointer + ")"
	switch string(p.Type) {
	case "VARCHAR":
		return text
	case "TIMESTAMP":
		return fmt.Sprintf(`CASE WHEN json_type(properties, %s) IN ('BIGINT', 'UBIGINT', 'DOUBLE')
			THEN TRY(make_timestamp(TRY_CAST(TRY_CAST(%[2]s AS DOUBLE) * 1e6 AS BIGINT)))
			ELSE TRY(make_timestamp(epoch_us(TRY_CAST(%[2]s AS TIMESTAMPTZ)))) END`, pointer, text)
	}
	return "TRY_CAST(" + text + " AS " + string(p.Type) + ")"
}

// checkColumns compares the promoted columns of table events with the JSON beside them.
func checkColumns(tb testing.TB, path string, all []storage.Promotion) {
	tb.Helper()
	db, err := sql.Open("duckdb", path+"?access_mode=READ_ONLY")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(tb.Context(), "SET TimeZone = 'UTC'"); err != nil {
		tb.Fatal(err)
	}
	for _, p := range all {
		column := `"` + strings.ReplaceAll(p.Property, `"`, `""`) + `"`
		different := queryDB(tb, db, fmt.Sprintf(`SELECT %s AS "column", %s AS expression, properties FROM events
			WHERE "column" IS DISTINCT FROM expression LIMIT 3`, column, documented(p)))
		if different != nil {
			tb.Errorf("%s: columns, expressions and properties:\n%s", p, strings.Join(different, "\n"))
		}
	}
}

func TestPromotedValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		json string // "" where the property is missing
		want string // text, whole number, number, truth, time and date
	}{
		{``, "NULL|NULL|NULL|NULL|NULL|NULL"},
		{`null`, "NULL|NULL|NULL|NULL|NULL|NULL"},
		{`""`, "|NULL|NULL|NULL|NULL|NULL"},
		{`"text"`, "text|NULL|NULL|NULL|NULL|NULL"},
		{`"caf\u00e9 \"x\" \ud83d\ude00\n"`, "café \"x\" 😀\n|NULL|NULL|NULL|NULL|NULL"},
		{`"null"`, "null|NULL|NULL|NULL|NULL|NULL"},
		{`true`, "true|NULL|NULL|true|NULL|NULL"},
		{`"false"`, "false|NULL|NULL|false|NULL|NULL"},
		{`0`, "0|0|0.0|false|1970-01-01 00:00:00|NULL"},
		{`-0`, "0|0|0.0|false|1970-01-01 00:00:00|NULL"},
		{`12.70`, "12.7|13|12.7|NULL|1970-01-01 00:00:12.7|NULL"},
		{`6.02E+3`, "6020.0|6020|6020.0|NULL|1970-01-01 01:40:20|NULL"},
		{`" 12 "`, " 12 |12|12.0|NULL|NULL|NULL"},
		{`9007199254740993`, "9007199254740993|9007199254740993|9007199254740992.0|NULL|NULL|NULL"},
		{`9223372036854775808`, "9223372036854775808|NULL|9.223372036854776e+18|NULL|NULL|NULL"},
		{`123456789012345678901234567890`, "123456789012345678901234567890|NULL|1.2345678901234568e+29|NULL|NULL|NULL"},
		{`1602611311.25`, "1602611311.25|1602611311|1602611311.25|NULL|2020-10-13 17:48:31.25|NULL"},
		{`"1602611311"`, "1602611311|1602611311|1602611311.0|NULL|NULL|NULL"},
		{`"2026-11-01"`, "2026-11-01|NULL|NULL|NULL|2026-11-01 00:00:00|2026-11-01"},
		{`"2026-11-01T23:30:00"`, "2026-11-01T23:30:00|NULL|NULL|NULL|2026-11-01 23:30:00|2026-11-01"},
		{`"2026-11-01T23:30:00.5-02:00"`, "2026-11-01T23:30:00.5-02:00|NULL|NULL|NULL|2026-11-02 01:30:00.5|2026-11-01"},
		{`"2026-02-30"`, "2026-02-30|NULL|NULL|NULL|NULL|NULL"},
		{`"294247-01-10 04:00:54.775806+00"`, "294247-01-10 04:00:54.775806+00|NULL|NULL|NULL|294247-01-10 04:00:54.775806|294247-01-10"},
		{`"infinity"`, "infinity|NULL|inf|NULL|NULL|infinity"},
		{`{ "k" : [1.50, null] }`, `{"k":[1.5,null]}|NULL|NULL|NULL|NULL|NULL`},
		{`["2026-11-01"]`, `["2026-11-01"]|NULL|NULL|NULL|NULL|NULL`},
	}
	var all []storage.Promotion
	for _, kind := range columnTypes {
		all = append(all, storage.Promotion{Property: "as " + string(kind), Type: kind})
	}
	var lines, wanted []string
	for i, tt := range tests {
		var properties []string
		for _, p := range all {
			if tt.json != "" { // of two the first counts
				properties = append(properties, fmt.Sprintf(`,%q:%s,%q:"2"`, p.Property, tt.json, p.Property))
			}
		}
		lines = append(lines, event(first, i, fmt.Sprint("id", i), properties...))
		wanted = append(wanted, tt.want)
	}
	const values = `SELECT "as VARCHAR", "as BIGINT", "as DOUBLE", "as BOOLEAN", "as TIMESTAMP", "as DATE" FROM events ORDER BY event_time`
	for _, when := range []string{"while loading", "afterwards"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			if when == "while loading" {
				promote(t, e, all...)
			}
			load(t, e, window(span(0, 1), lines...))
			promote(t, e, all...)
			closeEngine(t, e)
			want(t, "values", query(t, path, values), wanted)
			checkColumns(t, path, all)
		})
	}
}

// Whatever the properties are called and hold, their columns are equal to the expressions on the JSON: those of rows
// that were there before, and of rows that came later.
func TestPromotedColumnsEqualTheJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		all := rapid.SliceOfNDistinct(rapid.Custom(somePromotion), 1, 6,
			func(p storage.Promotion) string { return promotion.Column(p.Property) }).Draw(rt, "promotions")
		e, path := newFile(t)
		for d := range 2 {
			lines := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string { return someProperties(rt, all) }), 1, 20).Draw(rt, "properties")
			for i := range lines {
				lines[i] = event(first, d*86400+i, fmt.Sprint("id", i), lines[i])
			}
			load(t, e, window(span(d, 1), lines...))
			promote(t, e, all...)
		}
		closeEngine(t, e)
		checkColumns(t, path, all)
	})
}

func somePromotion(t *rapid.T) storage.Promotion {
	name := rapid.StringOfN(rapid.RuneFrom([]rune(` ,:"'$./~*[]\aB1é日`)), 1, 5, -1)
	return storage.Promotion{Property: name.Draw(t, "property"), Type: rapid.SampledFrom(columnTypes).Draw(t, "type")}
}

// someProperties returns some of the properties, each with a comma in front; now and then one of them twice.
func someProperties(t *rapid.T, all []storage.Promotion) string {
	var b strings.Builder
	for _, p := range rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, "those with a value") {
		name := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "é", `\u00e9`, "/", `\/`).Replace(p.Property)
		fmt.Fprintf(&b, `,"%s": %s`, name, someJSON(t, 2))
	}
	return b.String()
}

// someJSON returns a value that is nested no deeper than depth.
func someJSON(t *rapid.T, depth int) string {
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`)
	texts := rapid.OneOf(
		rapid.StringMatching(`([a-z0-9é日 ./'-]|\\n|\\"|\\\\|\\/|\\u00e9|\\ud83d\\ude00)*`),
		rapid.StringMatching(`[0-9]{4,6}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?`),
		number, rapid.SampledFrom([]string{"true", "f", "yes", "inf", "NaN", "epoch", "1e400", "0x1f", "1_000", "2026-11-01 10:00:00 Europe/Berlin"}),
	)
	kinds := []string{"text", "text", "number", "number", "word", "object", "array"}
	if depth == 0 {
		kinds = kinds[:5]
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "text":
		return `"` + texts.Draw(t, "text") + `"`
	case "number":
		return number.Draw(t, "number")
	case "word":
		return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "word")
	case "object":
		return `{ "k" : ` + someJSON(t, depth-1) + `, "k": ` + someJSON(t, depth-1) + " }"
	default:
		return "[" + someJSON(t, depth-1) + " , " + someJSON(t, depth-1) + "]"
	}
}

// The zone of a project is that of its events' own time, not of other properties.
func TestPromotedTimestampInAnotherZone(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	e, path := newFile(t)
	promote(t, e, storage.Promotion{Property: "at", Type: "TIMESTAMP"})
	w := window(span(0, 1), event(first, 43200, "a", `,"at":"2026-11-01 12:00:00"`))
	w.Zone = berlin
	load(t, e, w)
	closeEngine(t, e)
	want(t, "times", query(t, path, `SELECT event_time, "at" FROM events`), []string{"2026-11-01 11:00:00|2026-11-01 12:00:00"})
}
