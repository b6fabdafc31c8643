package storage_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"mixduck/storage"
)

func session(tb testing.TB, e *storage.Engine) *storage.Session {
	tb.Helper()
	s, err := e.Session()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// read returns the rows of a statement, with values for its parameters in order.
func read(tb testing.TB, s *storage.Session, text string, values ...string) (all []string, err error) {
	tb.Helper()
	st, err := s.Prepare(text)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	for i, value := range values {
		if err := st.Bind(i, value); err != nil {
			return nil, err
		}
	}
	rows, err := st.Query()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var texts []string
		for i := range st.Columns() {
			value, ok := rows.Text(i)
			if !ok {
				value = []byte("NULL")
			}
			texts = append(texts, string(value))
		}
		all = append(all, strings.Join(texts, "|"))
	}
	return all, rows.Err()
}

func TestSession(t *testing.T) {
	t.Parallel()
	s := session(t, open(t, storage.Config{Mode: storage.InMemory}))
	if err := s.Exec("CREATE TABLE t AS SELECT range AS n, if(range % 3 = 0, NULL, repeat('é', range)) AS s FROM range(100)"); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		values     []string
		want       []string
	}{
		{"short and long texts, and NULL", "SELECT n::VARCHAR, s FROM t WHERE n IN (0, 1, 5, 6, 7) ORDER BY n", nil, []string{"0|NULL", "1|é", "5|ééééé", "6|NULL", "7|ééééééé"}},
		{"parameters by their names", "SELECT $b || $a", []string{"1", "2"}, []string{"12"}},
		{"a parameter of another type", "SELECT s FROM t WHERE n = ?", []string{"4"}, []string{"éééé"}},
		{"no rows", "SELECT s FROM t WHERE false", nil, nil},
		{"times are UTC", "SELECT (TIMESTAMPTZ '2026-01-01 01:00:00+01')::VARCHAR", nil, []string{"2026-01-01 00:00:00+00"}},
	}
	for _, tt := range tests {
		got, err := read(t, s, tt.text, tt.values...)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		want(t, tt.name, got, tt.want)
	}
}

func TestSessionHandsRowsOutAsTheyAreMade(t *testing.T) {
	t.Parallel()
	s := session(t, open(t, storage.Config{Mode: storage.InMemory}))
	st, err := s.Prepare("SELECT (CASE WHEN range < 1000000 THEN range ELSE error('late') END)::VARCHAR FROM range(1000000000)")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	rows, err := st.Query()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		if text, _ := rows.Text(0); string(text) != strconv.Itoa(n) {
			t.Fatalf("row %d is %s", n, text)
		}
		n++
	}
	e, ok := errors.AsType[*storage.SQLError](rows.Err())
	if !ok || e.Kind != "Invalid Input" || e.Message != "late" || n < 900_000 {
		t.Errorf("after %d rows: %v", n, rows.Err())
	}
}

// TestLateErrorNamesItsCause runs a query many times: DuckDB stops its threads at the first error, and in about one
// run of fifty a streaming result reports only that.
func TestLateErrorNamesItsCause(t *testing.T) {
	t.Parallel()
	for n := range 4 {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			s := session(t, open(t, storage.Config{Mode: storage.InMemory}))
			for i := range 15 {
				all, err := read(t, s, "SELECT (CASE WHEN range < $1::INTEGER THEN range ELSE error('late') END)::VARCHAR FROM range(1000000)", "150000")
				e, ok := errors.AsType[*storage.SQLError](err)
				if !ok || e.Message != "late" {
					t.Fatalf("run %d, after %d rows: %v", i, len(all), err)
				}
			}
		})
	}
}

func TestSQLErrors(t *testing.T) {
	t.Parallel()
	s := session(t, open(t, storage.Config{Mode: storage.InMemory}))
	tests := []struct {
		text string
		want storage.SQLError
	}{
		{"SELEC 1", storage.SQLError{Kind: "Parser", Message: `syntax error at or near "SELEC"`, Excerpt: "LINE 1: SELEC 1\n        ^"}},
		{"FROM nope", storage.SQLError{Kind: "Catalog", Message: "Table with name nope does not exist!\nDid you mean \"pg_enum\"?", Excerpt: "LINE 1: FROM nope\n             ^"}},
		{"SELECT error('a: b')", storage.SQLError{Kind: "Invalid Input", Message: "a: b"}},
		{"SELECT 1; SELECT 2", storage.SQLError{Kind: "Invalid Input", Message: "Cannot prepare multiple statements at once!"}},
	}
	for _, tt := range tests {
		_, err := read(t, s, tt.text)
		e, ok := errors.AsType[*storage.SQLError](err)
		if !ok {
			t.Errorf("%s: error = %v", tt.text, err)
			continue
		}
		want(t, tt.text, *e, tt.want)
		if !strings.HasPrefix(e.Error(), tt.want.Kind+" Error: "+tt.want.Message) || !strings.HasSuffix(e.Error(), tt.want.Excerpt) {
			t.Errorf("%s: %v", tt.text, e)
		}
	}
}

func TestSessionOfAClosedEngine(t *testing.T) {
	t.Parallel()
	e := open(t, storage.Config{Mode: storage.InMemory})
	closeEngine(t, e)
	if _, err := e.Session(); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("error = %v", err)
	}
}
