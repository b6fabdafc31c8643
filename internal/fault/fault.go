// Package fault adds a code and a hint to errors: the kind of failure, and what to do about it. It does not decide
// whether to retry.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Code is the kind of a failure. Codes are stored in job records and map to exit codes; both are API.
type Code string

// The codes. Errors without a code count as CodeFailed.
const (
	CodeFailed      Code = "failed"
	CodeLocked      Code = "database_locked"
	CodeExists      Code = "already_exists"
	CodeAuth        Code = "authentication_failed"
	CodeUsage       Code = "usage"
	CodeNotFound    Code = "not_found"
	CodeRateLimited Code = "rate_limited"
	CodeWaitTimeout Code = "wait_timed_out"
	CodeInterrupted Code = "interrupted"
)

// Exit returns the exit code of the process for c.
func (c Code) Exit() int {
	switch c {
	case CodeAuth:
		return 2
	case CodeUsage:
		return 3
	case CodeNotFound:
		return 4
	case CodeRateLimited:
		return 5
	case CodeWaitTimeout:
		return 6
	case CodeInterrupted:
		return 130
	case CodeFailed, CodeLocked, CodeExists:
	}
	return 1
}

// Error is an error with a code and a hint. Error types of other packages can do the same with the methods
// FaultCode() [Code] and Hint() string.
type Error struct {
	code Code
	hint string
	err  error
}

// New returns an error with a code and a hint; the hint completes "try: …" and may be empty. The other arguments are
// those of [fmt.Errorf].
func New(code Code, hint, format string, args ...any) error {
	return &Error{code: code, hint: hint, err: fmt.Errorf(format, args...)}
}

// Usage is [New] with [CodeUsage], for invalid requests.
func Usage(hint, format string, args ...any) error { return New(CodeUsage, hint, format, args...) }

func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the wrapped error.
func (e *Error) Unwrap() error { return e.err }

// FaultCode returns the code.
func (e *Error) FaultCode() Code { return e.code }

// Hint returns the hint.
func (e *Error) Hint() string { return e.hint }

// CodeOf returns the outermost code in err's chain; [CodeInterrupted] for a cancelled context, otherwise [CodeFailed].
func CodeOf(err error) Code {
	var c interface{ FaultCode() Code }
	switch {
	case errors.As(err, &c):
		return c.FaultCode()
	case errors.Is(err, context.Canceled):
		return CodeInterrupted
	}
	return CodeFailed
}

// HintOf returns the outermost non-empty hint in err's chain, or "".
func HintOf(err error) string {
	for {
		h, ok := errors.AsType[interface {
			error
			Hint() string
		}](err)
		if !ok {
			return ""
		}
		if hint := h.Hint(); hint != "" {
			return hint
		}
		err = errors.Unwrap(h)
	}
}
