// Package remote carries errors from a child process to its parent.
package remote

import (
	"errors"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// Failure is an error on its way from a child process to its parent.
type Failure struct {
	Message  string                 `json:"message"`
	Code     fault.Code             `json:"code"`
	Hint     string                 `json:"hint,omitempty"`
	Sentinel string                 `json:"sentinel,omitempty"` // message of the sentinel that the error is
	Locked   *storage.LockedError   `json:"locked,omitempty"`
	NotFound *storage.NotFoundError `json:"not_found,omitempty"`
}

// NewFailure describes err. The parent can test for the given sentinels with [errors.Is].
func NewFailure(err error, sentinels []error) *Failure {
	f := &Failure{Message: err.Error(), Code: fault.CodeOf(err), Hint: fault.HintOf(err)}
	for _, s := range sentinels {
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

// Err returns the error that f describes, as far as callers can see it. The sentinels are those of NewFailure.
func (f *Failure) Err(sentinels []error) error {
	switch {
	case f.Locked != nil:
		f.Locked.FindCommand()
		return f.Locked
	case f.NotFound != nil:
		return f.NotFound
	}
	for _, s := range sentinels {
		if f.Sentinel == s.Error() {
			return &remoteError{f, s}
		}
	}
	return &remoteError{f, nil}
}

// remoteError is an error from the child.
type remoteError struct {
	failure *Failure
	is      error
}

func (e *remoteError) Error() string         { return e.failure.Message }
func (e *remoteError) Unwrap() error         { return e.is }
func (e *remoteError) FaultCode() fault.Code { return e.failure.Code }
func (e *remoteError) Hint() string          { return e.failure.Hint }
