package query

import (
	"fmt"
	"regexp"
	"slices"
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

// prepare prepares a text that has the statement in it, and binds its parameters.
func (st *statement) prepare(s *storage.Session, text string) (*storage.Statement, error) {
	prepared, err := s.Prepare(text)
	if err != nil {
		return nil, err
	}
	names := prepared.Parameters()
	for name := range st.params {
		if !slices.Contains(names, name) {
			prepared.Close()
			return nil, unusedParam(name)
		}
	}
	for i, name := range names {
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
