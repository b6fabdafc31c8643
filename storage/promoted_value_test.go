package storage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mixduck/internal/promotion"
	"mixduck/internal/rapidtest"
	"mixduck/storage"
)

// columnTypes are the possible types of promoted columns.
var columnTypes = []promotion.Type{"VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE"}

func TestPromotedValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		json string // "" if the property is missing
		want string // text, integer, number, boolean, time and date
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
		{`12.70`, "12.7|NULL|12.7|NULL|1970-01-01 00:00:12.7|NULL"},
		{`6.02E+3`, "6020.0|6020|6020.0|NULL|1970-01-01 01:40:20|NULL"},
		{`" 12 "`, " 12 |12|12.0|NULL|NULL|NULL"},
		{`9007199254740993`, "9007199254740993|9007199254740993|9007199254740992.0|NULL|NULL|NULL"},
		{`9223372036854775808`, "9223372036854775808|NULL|9.223372036854776e+18|NULL|NULL|NULL"},
		{`123456789012345678901234567890`, "123456789012345678901234567890|NULL|1.2345678901234568e+29|NULL|NULL|NULL"},
		{`1602611311.25`, "1602611311.25|NULL|1602611311.25|NULL|2020-10-13 17:48:31.25|NULL"},
		{`"1602611311"`, "1602611311|1602611311|1602611311.0|NULL|NULL|NULL"},
		{`"2026-11-01"`, "2026-11-01|NULL|NULL|NULL|2026-11-01 00:00:00|2026-11-01"},
		{`"2026-11-01T23:30:00"`, "2026-11-01T23:30:00|NULL|NULL|NULL|2026-11-01 23:30:00|2026-11-01"},
		{`"2026-11-01T23:30:00.5-02:00"`, "2026-11-01T23:30:00.5-02:00|NULL|NULL|NULL|2026-11-02 01:30:00.5|2026-11-01"},
		{`"2026-02-30"`, "2026-02-30|NULL|NULL|NULL|NULL|NULL"},
		{`"294247-01-10 04:00:54.775806+00"`, "294247-01-10 04:00:54.775806+00|NULL|NULL|NULL|294247-01-10 04:00:54.775806|294247-01-10"},
		{`"infinity"`, "infinity|NULL|NULL|NULL|NULL|NULL"},
		{`1E+2`, "100.0|100|100.0|NULL|1970-01-01 00:01:40|NULL"},
		{`0.30000000000000004`, "0.30000000000000004|NULL|0.30000000000000004|NULL|1970-01-01 00:00:00.3|NULL"},
		{`9007199254740993.0`, "9007199254740992.0|9007199254740993|9007199254740992.0|NULL|NULL|NULL"},
		{`-1602611311123`, "-1602611311123|-1602611311123|-1602611311123.0|NULL|1919-03-21 06:11:28.877|NULL"},
		{`1602611311123`, "1602611311123|1602611311123|1602611311123.0|NULL|2020-10-13 17:48:31.123|NULL"},
		{`1e400`, "1e400|NULL|NULL|NULL|NULL|NULL"},
		{`"NaN"`, "NaN|NULL|NULL|NULL|NULL|NULL"},
		{`"0x1f"`, "0x1f|NULL|NULL|NULL|NULL|NULL"},
		{`"1_000"`, "1_000|NULL|NULL|NULL|NULL|NULL"},
		{`"+7.0"`, "+7.0|7|7.0|NULL|NULL|NULL"},
		{`"\u0031\t"`, "1\t|1|1.0|true|NULL|NULL"},
		{`"2026-11-01 10:00:00 America/New_York"`, "2026-11-01 10:00:00 America/New_York|NULL|NULL|NULL|2026-11-01 15:00:00|2026-11-01"},
		{`"2026-11-01 10:00:00"`, "2026-11-01 10:00:00|NULL|NULL|NULL|2026-11-01 10:00:00|2026-11-01"},
		{`"2026-11-01 01:30:00 America/New_York"`, "2026-11-01 01:30:00 America/New_York|NULL|NULL|NULL|2026-11-01 06:30:00|2026-11-01"},
		{`"2026-03-08 02:30 America/New_York"`, "2026-03-08 02:30 America/New_York|NULL|NULL|NULL|2026-03-08 07:30:00|2026-03-08"},
		{`"2026-11-01 10:00:00 Nowhere/Land"`, "2026-11-01 10:00:00 Nowhere/Land|NULL|NULL|NULL|NULL|NULL"},
		{`"2026-11-01x"`, "2026-11-01x|NULL|NULL|NULL|NULL|NULL"},
		{`"2016-12-31T23:59:60Z"`, "2016-12-31T23:59:60Z|NULL|NULL|NULL|NULL|NULL"},
		{`"2016-12-31T24:00:00Z"`, "2016-12-31T24:00:00Z|NULL|NULL|NULL|2017-01-01 00:00:00|2016-12-31"},
		{`"0044-03-15 (BC)"`, "0044-03-15 (BC)|NULL|NULL|NULL|NULL|NULL"},
		{`"26-11-01"`, "26-11-01|NULL|NULL|NULL|NULL|NULL"},
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
			if tt.json != "" { // the first of two counts
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
		})
	}
}

// For any names and values of properties, the columns match the JSON, in rows that existed before and in rows loaded
// later.
func TestPromotedColumnsEqualTheJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		all := rapid.SliceOfNDistinct(rapid.Custom(somePromotion), 1, 6,
			func(p storage.Promotion) string { return promotion.Column(p.Property) }).Draw(rt, "promotions")
		e, path := newFile(t)
		for d := range 2 {
			lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return someProperties(t, all) }), 1, 20).Draw(rt, "properties")
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

// A value is converted in the same way for any neighbors in a chunk, in any order, during and after loading.
func TestPromotedValuesDoNotDependOnTheirNeighbours(t *testing.T) {
	t.Parallel()
	var all []storage.Promotion
	for _, kind := range columnTypes {
		all = append(all, storage.Promotion{Property: "as " + string(kind), Type: kind})
	}
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return someJSON(t, 1) }), 2, 60).Draw(rt, "values")
		for _, early := range []bool{true, false} {
			lines := make([]string, 0, len(values))
			for i, v := range rapid.Permutation(values).Draw(rt, "order") {
				var properties strings.Builder
				for _, p := range all {
					fmt.Fprintf(&properties, ",%q:%s", p.Property, v)
				}
				lines = append(lines, event(first, i, fmt.Sprint("id", i), properties.String()))
			}
			e, path := newFile(t)
			if early {
				promote(t, e, all...)
			}
			load(t, e, window(span(0, 1), lines...))
			promote(t, e, all...)
			closeEngine(t, e)
			checkColumns(t, path, all)
		}
	})
}

func somePromotion(t *rapid.T) storage.Promotion {
	name := rapid.StringOfN(rapid.RuneFrom([]rune(` ,:"'$./~*[]\aB1é日`)), 1, 5, -1)
	return storage.Promotion{Property: name.Draw(t, "property"), Type: rapid.SampledFrom(columnTypes).Draw(t, "type")}
}

// someProperties returns some of the properties, each preceded by a comma; sometimes one of them twice.
func someProperties(t *rapid.T, all []storage.Promotion) string {
	var b strings.Builder
	for _, p := range rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, "those with a value") {
		name := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "é", `\u00e9`, "/", `\/`).Replace(p.Property)
		fmt.Fprintf(&b, `,"%s": %s`, name, someJSON(t, 2))
	}
	return b.String()
}

// someJSON returns a value nested no deeper than depth.
func someJSON(t *rapid.T, depth int) string {
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`)
	texts := rapid.OneOf(
		rapid.StringMatching(`([a-z0-9é日 ./'-]|\\n|\\"|\\\\|\\/|\\u00e9|\\ud83d\\ude00)*`),
		rapid.StringMatching(`[0-9]{4,6}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?`),
		rapid.StringMatching(`[ \+]?(0*[0-9]{1,19}\.?[0-9]{0,3}|\.[05]+)(e[0-9]{1,2})? ?`),
		rapid.StringMatching(`202[0-9]-(03|10|11)-[0123][0-9]( |T)0[0-3]:[0-5][0-9]( (America/New_York|Europe/Berlin|Australia/Lord_Howe|UTC|EST|Nowhere/Land)|[+-]0[0-9](:30)?| -0800)?`),
		number, rapid.SampledFrom([]string{
			"true", "f", "yes", "inf", "-Infinity", "NaN", "epoch", "infinity", "1e400", "0x1f", "1_000", "+5", " 7 ", "5.", "-.5e1",
			"2026-11-01 10:00:00 Europe/Berlin", "2026-11-01 10:00:00", "2026-11-01x", "2016-12-31 23:59:60", "0044-03-15 (BC)", "2026-1-2",
			"9223372036854775807", "-9223372036854775808", "9223372036854775808", "294247-01-10 04:00:54.775807", "2026-11-01T24:00",
		}),
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

// The zone of a project applies to its events' own time, not to other properties.
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
