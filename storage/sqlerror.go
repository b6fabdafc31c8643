package storage

import "strings"

// SQLError is what DuckDB says of a statement that it does not take, or that failed.
type SQLError struct {
	Kind    string // as DuckDB writes it: Parser, Binder, Catalog, Conversion, Out of Memory …
	Message string
	Excerpt string // the line of the statement with a mark under the place, "" if unknown
}

func (e *SQLError) Error() string {
	s := e.Kind + " Error: " + e.Message
	if e.Excerpt != "" {
		s += "\n\n" + e.Excerpt
	}
	return s
}

// newSQLError takes DuckDB's text apart. What it takes for granted is tested.
func newSQLError(text string) *SQLError {
	var e SQLError
	kind, rest, ok := strings.Cut(text, " Error: ")
	if !ok || len(kind) > 40 {
		kind, rest = "Unknown", text
	}
	e.Kind = kind
	message, excerpt, ok := strings.Cut(rest, "\n\nLINE ")
	e.Message = strings.TrimSpace(message)
	if ok {
		e.Excerpt = "LINE " + excerpt
	}
	return &e
}
