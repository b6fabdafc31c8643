package answer_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
	"mixduck/web/page/answer"
)

func read(content string, format jobs.Format, columns ...jobs.Column) (rows [][]string, err error) {
	err = answer.Rows(strings.NewReader(content), format, columns, func(row []answer.Cell) bool {
		var texts []string
		for _, c := range row {
			if c == nil {
				texts = append(texts, "(NULL)")
				continue
			}
			texts = append(texts, *c)
		}
		rows = append(rows, texts)
		return len(rows) < 3
	})
	return rows, err
}

func TestRowsKeepEachValue(t *testing.T) {
	t.Parallel()
	text, number, doc := jobs.Column{Name: "a", Type: "VARCHAR"}, jobs.Column{Name: "n", Type: "HUGEINT"}, jobs.Column{Name: "d", Type: "JSON"}
	for _, tt := range []struct {
		name    string
		content string
		format  jobs.Format
		columns []jobs.Column
		want    [][]string
	}{
		{"no rows", "", jobs.FormatJSONL, []jobs.Column{text}, nil},
		{"NULL is not the empty text", `{"a":null}` + "\n" + `{"a":""}` + "\n" + `{"a":"null"}` + "\n", jobs.FormatJSONL, []jobs.Column{text}, [][]string{{"(NULL)"}, {""}, {"null"}}},
		{"numbers keep all digits", `{"n":9007199254740993}` + "\n" + `{"n":1.10}` + "\n", jobs.FormatJSONL, []jobs.Column{number}, [][]string{{"9007199254740993"}, {"1.10"}}},
		{"documents stay JSON", `{"d":"x"}` + "\n" + `{"d":{"a": [1,2.50]}}` + "\n", jobs.FormatJSONL, []jobs.Column{doc}, [][]string{{`"x"`}, {`{"a": [1,2.50]}`}}},
		{"two columns of a name", `{"a":"1","a_1":"2"}` + "\n", jobs.FormatJSONL, []jobs.Column{text, text}, [][]string{{"1", "2"}}},
		{"no more than asked for", strings.Repeat(`{"a":"x"}`+"\n", 9), jobs.FormatJSONL, []jobs.Column{text}, [][]string{{"x"}, {"x"}, {"x"}}},
		{"rows of the CLI", `{"columns":[]}` + "\n" + `["1",null]` + "\n", jobs.FormatRows, []jobs.Column{text, number}, [][]string{{"1", "(NULL)"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows, err := read(tt.content, tt.format, tt.columns...)
			if diff := cmp.Diff(tt.want, rows); diff != "" || err != nil {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
}

func TestDamagedRowsAreErrors(t *testing.T) {
	t.Parallel()
	text := jobs.Column{Name: "a", Type: "VARCHAR"}
	for name, content := range map[string]string{
		"a cut line": `{"a":"x`, "a line without its end": `{"a":"x"}`, "too few values": "{}\n", "no JSON": "x\n", "too long": `{"a":"` + strings.Repeat("x", 17<<20) + "\"}\n",
	} {
		if rows, err := read(content, jobs.FormatJSONL, text); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %q, %v", name, rows, err)
		}
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	long := "SELECT " + strings.Repeat("a, ", 100) + "nix FROM events"
	for _, tt := range []struct {
		name, message, sql string
		text               string
		want               *answer.Place
	}{
		{"no place", "out of memory", "SELECT 1", "out of memory", nil},
		{"a word", "Parser Error: x\n\nLINE 3: WHER x\n             ^", "SELECT *\nFROM events\nWHER x", "Parser Error: x", &answer.Place{Line: 3, Column: 6, Before: "WHER ", At: "x"}},
		{"the end of a line", "e\n\nLINE 1: SELECT\n              ^", "SELECT", "e", &answer.Place{Line: 1, Column: 7, Before: "SELECT"}},
		{"a part of a long line", "e\n\nLINE 1: ..., a, nix FROM ev...\n                ^", long, "e", &answer.Place{Line: 1, Column: 308, Before: "..., a, ", At: "nix", After: " FROM ev..."}},
		{"letters of several bytes", "e\n\nLINE 1: SELECT 'ü', nix\n                    ^", "SELECT 'ü', nix", "e", &answer.Place{Line: 1, Column: 13, Before: "SELECT 'ü', ", At: "nix"}},
		{"another statement", "e\n\nLINE 9: x\n        ^", "SELECT 1", "e", &answer.Place{Line: 9, At: "x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text, at := answer.Locate(tt.message, tt.sql)
			if diff := cmp.Diff(tt.want, at); diff != "" || text != tt.text {
				t.Errorf("text %q, -want +got:\n%s", text, diff)
			}
		})
	}
}

// A shell passes the command's arguments on unchanged.
func TestCommand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		database, question, sql string
		params                  map[string][]string
		want                    []string
	}{
		{database: "main/1.db", sql: "SELECT 1", want: []string{"SELECT 1"}},
		{
			database: "main/a b.db", sql: "-- x\nSELECT 'it''s', $a, $b; rm -rf `x` $(y) \\", params: map[string][]string{"b": {"$HOME"}, "a": {"'"}, "c": {""}},
			want: []string{"--param", "a='", "--param", "b=$HOME", "--param", "c=", "--", "-- x\nSELECT 'it''s', $a, $b; rm -rf `x` $(y) \\"},
		},
		{
			database: "main/1.db", question: "funnel", params: map[string][]string{"steps": {"Sign Up", "It's"}, "property": {""}, "from": {"2026-01-02"}},
			want: []string{"--question", "funnel", "--param", "from=2026-01-02", "--param", "steps=Sign Up", "--param", "steps=It's"},
		},
	} {
		script := strings.Replace(answer.Command(tt.database, tt.question, tt.sql, tt.params), "enqueue query", "printf '%s|'", 1)
		out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := append([]string{"--database", tt.database}, tt.want...)
		if diff := cmp.Diff(append(want, ""), strings.Split(string(out), "|")); diff != "" {
			t.Errorf("the shell passes other arguments, -want +got:\n%s", diff)
		}
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT 1": "", "SELECT $a + $b, $a": "a b", "SELECT '$a', \"$b\", $c -- $d\n, $e /* $f */": "c e", "SELECT properties->>'$.x' = $v": "v",
		"SELECT 'it''s $a'": "", "SELECT $$ $a $$, $b": "b", "SELECT '$a": "", "SELECT $1": "",
	} {
		if got := strings.Join(answer.Parameters(sql), " "); got != want {
			t.Errorf("parameters of %s: %q, want %q", sql, got, want)
		}
	}
}

// A plot of many points shows the lowest and the highest, and has all of them for scripts.
func TestManyPoints(t *testing.T) {
	t.Parallel()
	columns := []jobs.Column{{Name: "at", Type: "TIMESTAMP"}, {Name: "n", Type: "BIGINT"}}
	var rows [][]answer.Cell
	began := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	for i := range 5000 {
		at, n := began.Add(time.Duration(i)*time.Minute).Format(time.DateTime), strconv.Itoa(i%10)
		if i == 3333 {
			n = "1000"
		}
		rows = append(rows, []answer.Cell{&at, &n})
	}
	l := answer.NewPlot(columns, rows).Lines
	points := strings.Fields(l.Series[0].Points)
	if len(points) > 1200 || len(points) < 600 {
		t.Errorf("%d points are drawn", len(points))
	}
	if !strings.Contains(l.Series[0].Points, ",16.0") {
		t.Error("the highest point is not drawn")
	}
	var data struct {
		X      []float64
		Series []struct {
			Name   string
			Values []float64
		}
	}
	if err := json.Unmarshal([]byte(l.Data), &data); err != nil || len(data.X) != 5000 || data.Series[0].Values[3333] != 1000 || data.X[1]-data.X[0] != 60 {
		t.Errorf("%d points for scripts, %v", len(data.X), err)
	}
	if few := answer.NewPlot(columns, rows[:100]).Lines; few.Data != "" || len(strings.Fields(few.Series[0].Points)) != 100 {
		t.Errorf("few points: %d are drawn, %q is for scripts", len(strings.Fields(few.Series[0].Points)), few.Data)
	}
}
