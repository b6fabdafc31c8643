package storage

import (
	"errors"
	"strings"
	"syscall"
)

// ErrInterrupted is the [SQLError] of a statement that was stopped from outside of it.
var ErrInterrupted = errors.New("the statement was interrupted")

// SQLError is what DuckDB says of a statement that it does not take, or that failed. [errors.Is] finds what kind of error it
// is: [ErrInterrupted], and [syscall.ENOSPC] or [syscall.EFBIG] for a file that DuckDB could not write.
type SQLError struct {
	Kind    string // as DuckDB writes it: Parser, Binder, Catalog, Conversion, Out of Memory …; "Unknown" if it names none
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

// IsKind reports whether e is of one of these kinds. Case does not matter: DuckDB writes INTERRUPT, but Invalid Input.
func (e *SQLError) IsKind(kinds ...string) bool {
	for _, kind := range kinds {
		if strings.EqualFold(e.Kind, kind) {
			return true
		}
	}
	return false
}

// Is makes e one of the errors that the type's comment names.
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
