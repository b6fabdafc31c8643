//go:build !unix

package filelock

import (
	"errors"
	"os"
)

// Try always fails here: only enqueue is built for this system, and it locks no file.
func Try(f *os.File, _ bool) error {
	return &os.PathError{Op: "flock", Path: f.Name(), Err: errors.ErrUnsupported}
}

// Unlock closes f.
func Unlock(f *os.File) error { return f.Close() }
