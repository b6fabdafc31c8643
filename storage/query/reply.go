package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"syscall"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// task is what the parent writes to the child's standard input.
type task struct {
	Request
	Dir string `json:"dir"` // the child's own directory, the only place where it writes files
}

// The names of what is in a task's directory.
const (
	resultName = "result"
	spillName  = "spill"
)

// reply is the last line that the child writes to its standard error; before it there may be what a crash leaves there.
type reply struct {
	Result *Result  `json:"result,omitempty"`
	Error  *failure `json:"error,omitempty"`
}

// failure is an error on its way from the child to the parent.
type failure struct {
	Message  string                 `json:"message"`
	Code     fault.Code             `json:"code"`
	Hint     string                 `json:"hint,omitempty"`
	Sentinel string                 `json:"sentinel,omitempty"` // the message of the error in sentinels that it is
	Locked   *storage.LockedError   `json:"locked,omitempty"`
	NotFound *storage.NotFoundError `json:"not_found,omitempty"`
}

// sentinels are the errors that are told apart on the other side, too.
func sentinels() []error {
	return []error{ErrOutOfMemory, ErrTooLarge, ErrCrashed, ErrStopped, syscall.EPIPE, syscall.ENOSPC}
}

func newFailure(err error) *failure {
	f := &failure{Message: err.Error(), Code: fault.CodeOf(err), Hint: fault.HintOf(err)}
	for _, s := range sentinels() {
		if errors.Is(err, s) {
			f.Sentinel = s.Error()
		}
	}
	if locked, ok := errors.AsType[*storage.LockedError](err); ok {
		f.Locked = locked
	}
	if missing, ok := errors.AsType[*storage.NotFoundError](err); ok {
		f.NotFound = missing
	}
	return f
}

// err returns the error that f was made of, as far as callers can see it.
func (f *failure) err() error {
	switch {
	case f.Locked != nil:
		f.Locked.FindCommand()
		return f.Locked
	case f.NotFound != nil:
		return f.NotFound
	}
	for _, s := range sentinels() {
		if f.Sentinel == s.Error() {
			return &remoteError{failure: f, is: s}
		}
	}
	return &remoteError{failure: f}
}

// remoteError is an error of the child.
type remoteError struct {
	*failure
	is error
}

func (e *remoteError) Error() string         { return e.Message }
func (e *remoteError) Unwrap() error         { return e.is }
func (e *remoteError) FaultCode() fault.Code { return e.Code }
func (e *remoteError) Hint() string          { return e.failure.Hint }

// parseReply finds the reply in what a child has written; nil if it came to none.
func parseReply(stderr []byte) *reply {
	stderr = bytes.TrimRight(stderr, "\n")
	line := stderr[bytes.LastIndexByte(stderr, '\n')+1:]
	var r reply
	if json.Unmarshal(line, &r) != nil || r.Result == nil && r.Error == nil {
		return nil
	}
	return &r
}
