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

// name returns the name of the scope in receipts. A refresh of all except some values completes one that was done in
// pieces.
func (s *Scope) name() (name sql.NullString) {
	if s != nil && !s.Except {
		name = sql.NullString{String: strings.Join(s.Values, ","), Valid: true}
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
