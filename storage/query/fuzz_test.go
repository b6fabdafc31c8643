package query

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/duckdb/duckdb-go/v2"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// FuzzGate passes any SQL to the gate. Statements that it accepts must be read-only according to DuckDB too, and must
// be accepted in the forms in which they are run.
func FuzzGate(f *testing.F) {
	for _, seed := range []string{
		"SELECT 1", "FROM events", "SELECT * FROM t WHERE x = $1;", "DELETE FROM t", "SELECT 1; DROP TABLE t", "/* ; */ SELECT ';' -- x", "EXPLAIN ANALYZE SELECT 1",
		"EXPLAIN (FORMAT json) DELETE FROM t", "WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT 2) FROM a", "SELECT 1) UNION (SELECT 2", "PIVOT t ON x IN ('a') USING count(*)",
		"SELECT * FROM read_csv('/etc/passwd')", "FROM '/etc/passwd'", "COPY t TO 'x'", "PRAGMA version", "CALL pragma_version()", "SELECT getenv('HOME')", "SHOW TABLES", "DESCRIBE t",
		"SUMMARIZE t", "VALUES (1), (2)", "SELECT query('DROP TABLE t')", "FROM query_table('t')", "ATTACH 'x'", "SET threads = 1", "SELECT $$ ; $$", "INSERT INTO t VALUES (1) RETURNING 1",
		"WITH x AS MATERIALIZED (SELECT 1) DELETE FROM t", "SELECT [x FOR x IN range(3)]", "SELECT nextval('s')", "SELECT 1 --", "SELECT 1 /*", "explain explain select 1", "SELECT E'\\''; SELECT 2",
	} {
		f.Add(seed)
	}
	g, err := newGate(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(g.close)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 || strings.Count(text, "(")+strings.Count(text, "[") > 200 {
			t.Skip("DuckDB's parser is not the subject")
		}
		st, err := g.check(t.Context(), text)
		if err != nil {
			if fault.CodeOf(err) != fault.CodeUsage {
				t.Errorf("%q: error = %v", text, err)
			}
			return
		}
		if !onlyReads(t, g, st.text) {
			t.Errorf("%q is let through as %q", text, st.text)
		}
		if st.explain != "" {
			return
		}
		wrapped := st.selectAs([]string{"c0"}, 0)
		if _, err := g.parse(t.Context(), wrapped); err != nil && !strings.Contains(err.Error(), "Parser Error") && !strings.Contains(err.Error(), "too deep") {
			t.Errorf("%q is let through, and refused as %q: %v", text, wrapped, err)
		}
	})
}

// onlyReads asks DuckDB for the kind of a statement. Statements that do not fit the empty database have none.
func onlyReads(t *testing.T, g *gate, text string) (ok bool) {
	t.Helper()
	conn, err := g.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		st, err := c.(*duckdb.Conn).PrepareContext(t.Context(), text)
		if err != nil {
			if strings.Contains(err.Error(), "multiple statements") {
				return err
			}
			ok = true
			return nil
		}
		defer st.Close()
		kind, err := st.(*duckdb.Stmt).StatementType()
		ok = slices.Contains([]duckdb.StmtType{duckdb.STATEMENT_TYPE_SELECT, duckdb.STATEMENT_TYPE_EXPLAIN}, kind)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return ok
}

// FuzzEncoders writes a name and values in each format of texts and reads them with the standard library.
func FuzzEncoders(f *testing.F) {
	for _, seed := range [][3]string{
		{"a", "plain", `{"x":1}`},
		{"", "", "null"},
		{"na\"me,", " x ", "[]"},
		{"\n", "a,\"b\"\r\n", "{\"s\":\"NaN, I\\\"\",\"t\":[true]}"},
		{"é", "\x00\x1f\x7f\u2028", "\"\\u0000\""},
		{"N", "NaN", "1e400"},
		{"x", "\\", "\"\\\\\""},
		{"v", "\r", "[[[{\"Infinity\":-1}]]]"},
		{"🦆", "\ufeff", "-0"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	engine, err := storage.Open(f.Context(), storage.Config{Mode: storage.InMemory})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = engine.Close() })
	session, err := engine.Session()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(session.Close)
	f.Fuzz(func(t *testing.T, name, value, document string) {
		if !utf8.ValidString(name) || !utf8.ValidString(value) || strings.ContainsRune(value+document, 0) || !json.Valid([]byte(document)) || !utf8.ValidString(document) || strings.Contains(name, "_") {
			t.Skip("DuckDB has no such texts, or the name is that of another column")
		}
		columns := []Column{{Name: name, Type: "VARCHAR"}, {Name: "nil", Type: "VARCHAR"}, {Name: "doc", Type: "JSON"}, {Name: "list", Type: "VARCHAR[]"}, {Name: "odd", Type: "DOUBLE"}, {Name: "odds", Type: "DOUBLE[]"}}
		made := map[Format][]byte{}
		for _, format := range []Format{Rows, CSV, JSON, JSONL} {
			made[format] = encodeTwice(t, session, format, columns, value, document)
		}
		checkCSV(t, made[CSV], name, value, document)
		checkObjects(t, made, name, value, document)
	})
}

// encodeTwice encodes two rows with the same values.
func encodeTwice(t *testing.T, s *storage.Session, format Format, columns []Column, value, document string) []byte {
	t.Helper()
	st, err := s.Prepare("SELECT $1::VARCHAR, NULL::VARCHAR, $2::VARCHAR, to_json([$1::VARCHAR, NULL])::VARCHAR, 'nan', to_json(['nan'::DOUBLE, '-inf', 1.5])::VARCHAR FROM range(2)")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := errors.Join(st.Bind(0, value), st.Bind(1, document)); err != nil {
		t.Fatal(err)
	}
	rows, err := st.Query()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	keys := []string{columns[0].Name}
	for i, c := range columns[1:] {
		keys = append(keys, fmt.Sprintf("%s_%d", c.Name, i))
	}
	enc := newEncoder(format, columns, keys)
	b := enc.begin(nil)
	for rows.Next() {
		b = enc.row(b, rows)
	}
	return enc.end(b)
}

func checkCSV(t *testing.T, b []byte, name, value, document string) {
	t.Helper()
	in := csv.NewReader(bytes.NewReader(b))
	all, err := in.ReadAll()
	if err != nil {
		t.Fatalf("%v in %q", err, b)
	}
	plain := func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") } // as the reader returns them
	for i, row := range all {
		want := []string{value, "", document}
		if i == 0 {
			want = []string{name, "nil", "doc"}
		}
		for j, w := range want {
			if row[j] != plain(w) {
				t.Errorf("row %d of %q has %q, want %q", i, b, row[j], w)
			}
		}
	}
	if len(all) != 3 {
		t.Errorf("%q has %d rows", b, len(all))
	}
}

// checkObjects reads the JSON formats.
func checkObjects(t *testing.T, made map[Format][]byte, name, value, document string) {
	t.Helper()
	object := map[string]any{"nil_0": nil, "odd_3": "nan", "odds_4": []any{"NaN", "-Infinity", json.Number("1.5")}, "list_2": []any{value, nil}, "doc_1": decodeAll(t, []byte(document))[0]}
	object[name] = value
	array := decodeAll(t, made[JSON])
	lines := decodeAll(t, made[JSONL])
	if len(array) != 1 || !sameJSON(array[0], []any{object, object}) || !sameJSON(lines, []any{object, object}) || bytes.Count(made[JSONL], []byte("\n")) != 2 {
		t.Errorf("%q, %q: objects are %q and %q", value, document, made[JSON], made[JSONL])
	}
	rows := decodeAll(t, made[Rows])
	row := []any{value, nil, document}
	if len(rows) != 3 || !sameJSON(rows[1].([]any)[:3], row) || !sameJSON(rows[2].([]any)[:3], row) || rows[0].(map[string]any)["columns"].([]any)[0].(map[string]any)["name"] != name {
		t.Errorf("%q: rows are %q", value, made[Rows])
	}
}

// decodeAll returns all JSON values in b.
func decodeAll(t *testing.T, b []byte) (all []any) {
	t.Helper()
	in := json.NewDecoder(bytes.NewReader(b))
	in.UseNumber()
	for {
		var v any
		err := in.Decode(&v)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in %q", err, b)
		}
		all = append(all, v)
	}
}

func sameJSON(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}
