// Package filelock locks files against other processes, and against other descriptors of this process. It never waits: who
// wants to wait tries again.
package filelock

import "errors"

// ErrHeld is what [Try] returns while somebody else holds a lock that excludes the one asked for.
var ErrHeld = errors.New("the file is locked")
