package storage

import (
	"database/sql"
	"strconv"
	"strings"
)

// Scope is the rows of a keyed table with some values of the first column of the key, or all but these.
type Scope struct {
	Values []string
	Except bool
}

// name is what a receipt says of the scope: a refresh of all but some values ends one that was done in pieces.
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
