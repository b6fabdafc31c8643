package storage

import (
	"errors"
	"strings"
	"syscall"
)

// ErrInterrupted matches the [SQLError] of a statement that was stopped from outside.
var ErrInterrupted = errors.New("the statement was interrupted")

// SQLError is DuckDB's error for a statement that was rejected or failed. [errors.Is] finds its kind:
// [ErrInterrupted], and [syscall.ENOSPC] or [syscall.EFBIG] for a file that DuckDB could not write.
type SQLError struct {
	Kind    string // in DuckDB's words: Parser, Binder, Catalog, Conversion, Out of Memory …; "Unknown" if it has none
	Message string
	Excerpt string // the line of the statement with a mark below the position; "" if unknown
}

func (e *SQLError) Error() string {
	s := e.Kind + " Error: " + e.Message
	if e.Excerpt != "" {
		s += "\n\n" + e.Excerpt
	}
	return s
}

// IsKind reports whether e has one of these kinds. Case does not matter: DuckDB writes INTERRUPT, but Invalid Input.
func (e *SQLError) IsKind(kinds ...string) bool {
	for _, kind := range kinds {
		if strings.EqualFold(e.Kind, kind) {
			return true
		}
	}
	return false
}

// Is matches the errors named in the comment of [SQLError].
func (e *SQLError) Is(target error) bool {
	errno, ok := target.(syscall.Errno)
	switch {
	case target == ErrInterrupted:
		return e.IsKind("Interrupt")
	case ok && (errno == syscall.ENOSPC || errno == syscall.EFBIG):
		return saysErrno(e.Message, errno)
	}
	return false
}

// newSQLError parses DuckDB's text. A test checks the format that it expects.
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
