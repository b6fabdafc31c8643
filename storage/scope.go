package storage

import (
	"database/sql"
	"strconv"
	"strings"
)

// Scope selects the rows of a keyed table with some values of the first key column, or all others.
type Scope struct {
	Values []string
	Except bool
}

// Name returns the name of a scope with some values, as in [KeyedState.Scopes].
func (s *Scope) Name() string { return strings.Join(s.Values, ",") }

// stored returns the name of the scope in receipts. A refresh of all except some values completes one that was done in
// pieces.
func (s *Scope) stored() (name sql.NullString) {
	if s != nil && !s.Except {
		name = sql.NullString{String: s.Name(), Valid: true}
	}
	return name
}

// condition returns the scope as SQL.
func (s *Scope) condition(k *Keyed) string {
	if s == nil {
		return "true"
	}
	if len(s.Values) == 0 {
		return strconv.FormatBool(s.Except)
	}
	values := make([]string, len(s.Values))
	for i, v := range s.Values {
		values[i] = "CAST(" + literal(v) + " AS " + k.Columns[0].Type + ")"
	}
	in := " IN ("
	if s.Except {
		in = " NOT IN ("
	}
	return quoteColumn(k.Columns[0].Name) + in + strings.Join(values, ", ") + ")"
}
