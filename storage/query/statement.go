package query

import (
	"fmt"
	"regexp"
	"strings"

	"mixduck/storage"
)

// explainPrefix is what makes a statement one that is explained. json_serialize_sql knows no EXPLAIN, so that it is taken off,
// what follows is checked, and an EXPLAIN with the same options is put before that. A comment within a comment ends too early
// here; what follows is then no statement.
var explainPrefix = regexp.MustCompile(`(?is)^(?:\s|--[^\n]*\n|/\*.*?\*/)*explain\b(\s+analyze\b|\s*\(\s*` + explainOption + `(?:\s*,\s*` + explainOption + `)*\s*\))?`)

const explainOption = `(?:analyze|format\s+\w+)`

// statement is SQL that has been checked.
type statement struct {
	text    string // whole
	body    string // without EXPLAIN before it and semicolons after it
	explain string // EXPLAIN and its options, "" if it is none
	params  map[string]string
}

// subquery returns the statement as a source of rows. The newline ends a comment at its end.
func (st *statement) subquery() string { return "(\n" + st.body + "\n)" }

// names returns the names of the statement's columns, as far as DuckDB knows them before parameters have values, or what it says
// of a statement that does not fit the database. Its messages about the text as it was given are the best ones.
func (st *statement) names(s *storage.Session) ([]string, error) {
	prepared, err := st.prepare(s, st.text)
	if err != nil {
		return nil, err
	}
	defer prepared.Close()
	return prepared.Columns(), nil
}

// columns returns the statement's columns, and for each of them a name that no other one has.
func (st *statement) columns(s *storage.Session, names []string) (columns []Column, keys []string, err error) {
	if st.explain != "" {
		keys = []string{"explain_key", "explain_value"}
		return []Column{{keys[0], "VARCHAR"}, {keys[1], "VARCHAR"}}, keys, nil
	}
	described, err := st.prepare(s, "DESCRIBE FROM "+st.subquery())
	if err != nil {
		return nil, nil, err
	}
	defer described.Close()
	rows, err := described.Query()
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		name, _ := rows.Text(0)
		kind, _ := rows.Text(1)
		keys = append(keys, string(name))
		columns = append(columns, Column{Name: string(name), Type: string(kind)})
	}
	if len(names) == len(columns) && (len(names) > 1 || len(st.params) == 0) { // DuckDB says one while it does not know
		for i := range columns {
			columns[i].Name = names[i]
		}
	}
	return columns, keys, rows.Err()
}

// prepare prepares a text that has the statement in it, and binds its parameters.
func (st *statement) prepare(s *storage.Session, text string) (*storage.Statement, error) {
	prepared, err := s.Prepare(text)
	if err != nil {
		return nil, err
	}
	for i, name := range prepared.Parameters() {
		value, ok := st.params[name]
		if !ok {
			err = missingParam(name)
		} else {
			err = prepared.Bind(i, value)
		}
		if err != nil {
			prepared.Close()
			return nil, err
		}
	}
	return prepared, nil
}

// selectAs returns the text that selects expressions over the statement's columns, which are called c0, c1 and so on there.
// A limit of 0 is none.
func (st *statement) selectAs(expressions []string, limit int64) string {
	names := make([]string, len(expressions))
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
	}
	text := "SELECT " + strings.Join(expressions, ", ") + " FROM " + st.subquery() + " AS t(" + strings.Join(names, ", ") + ")"
	if limit > 0 {
		text += fmt.Sprintf(" LIMIT %d", limit)
	}
	return text
}
