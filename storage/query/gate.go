package query

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	_ "github.com/duckdb/duckdb-go/v2" // the driver

	"mixduck/internal/fault"
)

// maxSQLBytes limits the text of a statement: checking it takes up to a thousand times the memory.
const maxSQLBytes = 1 << 20

// Check returns an error with [fault.CodeUsage] and a hint unless text is a single statement that only reads: SELECT
// in all its forms, VALUES, FROM, TABLE, PIVOT and UNPIVOT, and DESCRIBE, SUMMARIZE, SHOW and EXPLAIN of these. It may
// use the tables and views of the database, and those DuckDB functions that are listed in the directory allow. Check
// does not know whether tables and columns exist. It parses the text in this process. DuckDB has crashed on some
// texts, so [Child] does this in its own process.
func Check(ctx context.Context, text string) error {
	g, err := newGate(ctx)
	if err != nil {
		return err
	}
	defer g.close()
	_, err = g.check(ctx, text)
	return err
}

// gate checks statements by the syntax tree of DuckDB's own parser, in an instance without data.
type gate struct {
	db      *sql.DB
	allowed allowed
}

func newGate(ctx context.Context) (*gate, error) {
	allowed, err := loadAllowed()
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("duckdb", "?threads=1&memory_limit=256MB&autoinstall_known_extensions=false&autoload_known_extensions=false")
	if err != nil {
		return nil, err
	}
	g := &gate{db: db, allowed: allowed}
	if _, err := db.ExecContext(ctx, "SET enable_external_access = false"); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *gate) close() { _ = g.db.Close() } // it contains nothing

// check returns the statement in text.
func (g *gate) check(ctx context.Context, text string) (*statement, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	st := &statement{text: text, body: text}
	if m := explainPrefix.FindStringSubmatch(text); m != nil {
		st.explain, st.body = "EXPLAIN"+m[1], text[len(m[0]):]
		st.text = st.explain + " " + st.body
	}
	whole, err := g.parse(ctx, st.body)
	if err != nil {
		return nil, err
	}
	st.body, err = g.trimEnd(ctx, st.body, whole)
	return st, err
}

func checkText(text string) error {
	switch {
	case len(text) > maxSQLBytes:
		return fault.Usage("put long lists into one string and split it: string_split('a,b', ',')", "the SQL is longer than 1 MiB")
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return fault.Usage("remove the invalid characters", "the SQL is not valid UTF-8 text")
	}
	return nil
}

// parse returns the syntax tree of the single statement in text as JSON, if it is allowed.
func (g *gate) parse(ctx context.Context, text string) ([]byte, error) {
	tree, err := g.serialize(ctx, text)
	if err != nil {
		return nil, err
	}
	var s syntax
	if err := json.Unmarshal(tree, &s); err != nil {
		return nil, fault.Usage("simplify it", "the statement is nested too deeply: %v", err)
	}
	switch {
	case s.Error && s.Kind == "parser":
		return nil, fault.Usage(syntaxHint(s.Message), "Parser Error: %s%s", s.Message, excerpt(text, s.Position))
	case s.Error:
		return nil, notReading(s.Message)
	case len(s.Statements) == 0:
		return nil, fault.Usage("use a SELECT statement", "the SQL contains no statement")
	case len(s.Statements) > 1:
		return nil, fault.Usage("run them one by one", "the SQL has %d statements, but a query must have exactly one", len(s.Statements))
	}
	return tree, g.allowed.walk(s.Statements[0])
}

// syntaxHint suggests a likely fix.
func syntaxHint(message string) string {
	if strings.HasSuffix(message, `at or near "$"`) {
		return "a property whose name starts with $ is read as " + property("$name")
	}
	return ""
}

// syntax is the result of json_serialize_sql.
type syntax struct {
	Error      bool   `json:"error"`
	Kind       string `json:"error_type"`
	Message    string `json:"error_message"`
	Position   string `json:"position"`
	Statements []any  `json:"statements"`
}

func (g *gate) serialize(ctx context.Context, text string) ([]byte, error) {
	var serialized sql.RawBytes
	rows, err := g.db.QueryContext(ctx, "SELECT json_serialize_sql(CAST($1 AS VARCHAR))::VARCHAR", text)
	if err != nil {
		return nil, fault.Usage("simplify it", "DuckDB cannot parse the statement: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&serialized); err != nil {
			return nil, err
		}
	}
	return []byte(string(serialized)), rows.Err()
}

func notReading(message string) error {
	const hint = "queries only read: SELECT, FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW TABLES, EXPLAIN; a PIVOT must name its columns (ON x IN ('a', 'b'))"
	if strings.HasPrefix(message, "Only SELECT") {
		message = "only statements that read data are allowed"
	}
	return fault.Usage(hint, "%s", message)
}

// maxSemicolons limits the work of trimEnd.
const maxSemicolons = 1000

// trimEnd removes semicolons, and comments after them, from the end of a statement. Instead of parsing SQL, it asks
// DuckDB for the shortest prefix that is the same statement.
func (g *gate) trimEnd(ctx context.Context, text string, whole []byte) (string, error) {
	if strings.Count(text, ";") > maxSemicolons {
		return "", fault.Usage("use parameters ($name) for strings", "the SQL has more than %d semicolons", maxSemicolons)
	}
	for i, c := range text {
		if c != ';' {
			continue
		}
		if part, err := g.serialize(ctx, text[:i]); err == nil && bytes.Equal(part, whole) {
			return text[:i], nil
		}
	}
	return text, nil
}

// excerpt returns the line of text that contains a byte, with a mark below it.
func excerpt(text, position string) string {
	at, err := strconv.Atoi(position)
	if err != nil || at < 0 || at > len(text) {
		return ""
	}
	line := 1 + strings.Count(text[:at], "\n")
	start := strings.LastIndexByte(text[:at], '\n') + 1
	end := len(text)
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		end = at + i
	}
	const around = 60
	from, to := max(start, at-around), min(end, at+around)
	head := fmt.Sprintf("LINE %d: ", line)
	mark := strings.Repeat(" ", utf8.RuneCountInString(head)+utf8.RuneCountInString(text[from:at])) + "^"
	return "\n\n" + head + strings.ToValidUTF8(text[from:to], "") + "\n" + mark
}
