package storage_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/day"
	"mixduck/storage"
)

// The columns of properties with hostile names have the values of the JSON.
func TestModelOfHostileNames(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	db := storage.DB(e)
	names := append([]string{
		"SELECT", "selecT", "event_name", "day", "properties", "mixduck_0", "mixduck_1", "v[1]", "/", "~", "~1", "0", "a/b", "é", "É", "$", "$$os", "os", "it's", "`x`", "a\tb",
		"--", "/*", "{}", "%s", "?", "$1", strings.Repeat("Ü", 300), "ⅷ",
	}, hostileNames...)
	properties := map[string]string{}
	for i, name := range names {
		properties[name] = fmt.Sprintf("value %d of %.20s", i, name)
	}
	all, err := json.Marshal(properties)
	if err != nil {
		t.Fatal(err)
	}
	load(t, e, window(span(0, 1), event(first, 1, "a", ","+string(all[1:len(all)-1]))))
	for range 2 {
		makeModel(t, e, false)
		columns := queryDB(t, db, "SELECT property, column_name FROM mixduck.model_columns WHERE view_name = 'e'")
		want(t, "columns", len(columns), len(names))
		taken := map[string]bool{}
		for _, name := range names {
			column := queryDB(t, db, "SELECT column_name FROM mixduck.model_columns WHERE property = ?", name)
			if len(column) != 1 || taken[strings.ToLower(column[0])] {
				t.Fatalf("property %q has the columns %q", name, column)
			}
			taken[strings.ToLower(column[0])] = true
			want(t, "value of "+name, queryDB(t, db, `SELECT "`+column[0]+`" FROM model.e WHERE insert_id = 'a'`), []string{properties[name]})
			if fresh := queryDB(t, db, "SELECT count(*) FROM (SELECT "+column[0]+" FROM model.e)"); len(fresh) != 1 { // without quotes
				t.Errorf("column %s needs quotes", column[0])
			}
		}
		load(t, e, window(span(1, 1), event(first+1, 1, "b"))) // a write that changes nothing
	}
	want(t, "plain names", queryDB(t, db, "SELECT column_name FROM mixduck.model_columns WHERE property IN ('select', 'os', '$os', 'plan', 'Plan', 'day') ORDER BY ALL"),
		[]string{"day_2", "os", "os_3", "plan", "plan_2", "select_"})
}

// Properties with hostile names that turn from numbers to texts to objects over time.
func TestModelOfHostileNamesAndTypes(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	db := storage.DB(e)
	for d, format := range []string{"%d", `"text %d"`, `{"a":%d}`, `"%d"`} {
		more := make([]string, len(hostileNames))
		for i, name := range hostileNames {
			more[i] = fmt.Sprintf(",%q:"+format, name, i)
		}
		load(t, e, window(span(d, 1), event(first+day.Day(d), 1, strconv.Itoa(d), more...)))
		if d == 0 {
			makeModel(t, e, false)
		}
	}
	check := func(typ string, value func(i, d int) string) {
		t.Helper()
		columns := queryDB(t, db, "SELECT type || ' ' || column_name FROM mixduck.model_columns WHERE view_name = 'e' ORDER BY list_position(?, property)", hostileNames)
		want(t, "columns", len(columns), len(hostileNames))
		for i := range columns {
			has, name, _ := strings.Cut(columns[i], " ")
			want(t, "type of "+name, has, typ)
			columns[i] = name // needs no quotes
		}
		rows := queryDB(t, db, "SELECT "+strings.Join(columns, ", ")+" FROM model.e ORDER BY day")
		for d, row := range rows {
			wanted := make([]string, len(columns))
			for i := range wanted {
				wanted[i] = value(i, d)
			}
			want(t, "values of day "+strconv.Itoa(d), strings.Split(row, "|"), wanted)
		}
		want(t, "rows", len(rows), 4)
	}
	number := func(i, d int) string {
		if d == 1 || d == 2 {
			return "NULL"
		}
		return strconv.Itoa(i)
	}
	text := func(i, d int) string {
		return []string{strconv.Itoa(i), "text " + strconv.Itoa(i), `{"a":` + strconv.Itoa(i) + "}", strconv.Itoa(i)}[d]
	}
	check("BIGINT", number)
	want(t, "too narrow", len(makeModel(t, e, false).Narrow), len(hostileNames))
	check("BIGINT", number)
	makeModel(t, e, true)
	check("VARCHAR", text)
}
