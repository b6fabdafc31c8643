package query_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/storage/query"
)

func TestGivenRowsAreThoseOfAQuery(t *testing.T) {
	t.Parallel()
	type line struct {
		Day  day.Day `json:"day"`
		Name string  `json:"name"`
		N    int64   `json:"n"`
	}
	columns := []query.Column{{Name: "day", Type: "DATE"}, {Name: "name", Type: "VARCHAR"}, {Name: "n", Type: "BIGINT"}}
	rows := []line{
		{day.New(2026, 11, 2), "b 退会", 9007199254740993}, {day.New(2026, 11, 1), `"'); DROP`, -1}, {day.New(2026, 11, 3), "", 0},
	}
	ask := func(format query.Format, rows []line) (query.Result, string) {
		t.Helper()
		sql, params, err := query.Given(rows, columns...)
		if err != nil {
			t.Fatal(err)
		}
		found, text, err := run(t, query.Request{Database: newFile(t), SQL: sql, Params: params, Format: format, TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		return found, text
	}
	found, text := ask(query.CSV, rows)
	if want := "day,name,n\n2026-11-02,b 退会,9007199254740993\n2026-11-01,\"\"\"'); DROP\",-1\n2026-11-03,\"\",0\n"; text != want {
		t.Errorf("rows = %q, want %q", text, want)
	}
	if diff := cmp.Diff(columns, found.Columns); diff != "" || found.Rows != 3 {
		t.Errorf("%d rows (-want +got):\n%s", found.Rows, diff)
	}
	if found, text = ask(query.JSON, nil); strings.TrimSpace(text) != "[]" || found.Rows != 0 {
		t.Errorf("no rows = %q, %d", text, found.Rows)
	}
	sql, params, err := query.Given([]map[string]any{{"at": "2026-11-01 10:00:00", "list": []string{"a", "'"}, "none": nil}},
		query.Column{Name: "at", Type: "TIMESTAMP"}, query.Column{Name: "list", Type: "JSON"}, query.Column{Name: "none", Type: "BIGINT"})
	if err != nil {
		t.Fatal(err)
	}
	memory := query.Request{InMemory: true, SQL: sql, Params: params, Format: query.JSON, TempDir: t.TempDir()}
	_, text, err = run(t, memory)
	if want := `[{"at":"2026-11-01 10:00:00","list":["a","'"],"none":null}]`; strings.ReplaceAll(text, "\n", "") != want || err != nil {
		t.Errorf("rows without a database = %q, %v, want %q", text, err, want)
	}
	memory.Params = map[string]string{"rows": `[{"at": "tomorrow", "list": [], "none": 1}]`}
	if _, text, err = run(t, memory); err == nil {
		t.Errorf("a value of another type became %q", text)
	}
	many := make([]line, 50_000)
	for i := range many {
		many[i] = line{day.New(2026, 11, 1), strings.Repeat("x", 20), int64(i)}
	}
	_, text = ask(query.CSV, many)
	for i, l := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
		if !strings.HasSuffix(l, ","+strconv.Itoa(i)) {
			t.Fatalf("row %d is %q: the order is lost", i, l)
		}
	}
}
