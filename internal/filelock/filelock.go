// Package filelock locks files against other processes, and against other descriptors of this process. It never waits;
// callers can retry.
package filelock

import "errors"

// ErrHeld means that a conflicting lock exists.
var ErrHeld = errors.New("the file is locked")
