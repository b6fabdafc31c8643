package query

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mixduck/storage"
)

// explainPrefix matches an EXPLAIN at the start of a statement. json_serialize_sql does not support EXPLAIN, so it is
// removed, the rest is checked, and an EXPLAIN with the same options is prepended. A comment within a comment ends too
// early here; the rest is then not a valid statement.
var explainPrefix = regexp.MustCompile(`(?is)^(?:\s|--[^\n]*\n|/\*.*?\*/)*explain\b(\s+analyze\b|\s*\(\s*` + explainOption + `(?:\s*,\s*` + explainOption + `)*\s*\))?`)

const explainOption = `(?:analyze|format\s+\w+)`

// statement is checked SQL.
type statement struct {
	text    string // complete
	body    string // without EXPLAIN and trailing semicolons
	explain string // EXPLAIN and its options, or ""
	params  map[string]string
	values  []storage.Value // by position; params is empty then
	unbound bool            // all parameters are NULL: the statement is only described
}

// subquery returns the statement as a source of rows. The newline ends a trailing comment.
func (st *statement) subquery() string { return "(\n" + st.body + "\n)" }

// prepare prepares a text that contains the statement, and binds its parameters.
func (st *statement) prepare(s *storage.Session, text string) (*storage.Statement, error) {
	prepared, err := s.Prepare(text)
	if err != nil {
		return nil, err
	}
	if err := st.bind(prepared); err != nil {
		prepared.Close()
		return nil, err
	}
	return prepared, nil
}

func (st *statement) bind(prepared *storage.Statement) error {
	names := prepared.Parameters()
	if st.unbound {
		return bindValues(prepared, make([]storage.Value, len(names)))
	}
	if len(st.values) > 0 {
		if len(names) != len(st.values) {
			return wrongNumber(len(names), len(st.values))
		}
		return bindValues(prepared, st.values)
	}
	for name := range st.params {
		if !slices.Contains(names, name) {
			return unusedParam(name)
		}
	}
	for i, name := range names {
		value, ok := st.params[name]
		if !ok {
			return missingParam(name)
		}
		if err := prepared.Bind(i, value); err != nil {
			return err
		}
	}
	return nil
}

func bindValues(prepared *storage.Statement, values []storage.Value) error {
	for i, v := range values {
		if err := prepared.BindValue(i, v); err != nil {
			return err
		}
	}
	return nil
}

// selectAs returns a SELECT of expressions over the statement's columns, which are called c0, c1 and so on. A limit of
// 0 means none.
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
