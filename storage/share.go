package storage

import (
	"context"
	"time"
)

// Share keeps all writers of this program, in any process, away from a database file. It does not open the database,
// so another process can read it instead, with [Config.Shared] set.
type Share struct {
	path string
	lock *fileLock
}

// NewShare waits until no load is in progress, at most for wait (see [Config.LockWait]), and then keeps writers away
// until Release. It returns [ErrLocked] and [ErrNotFound] like [Open].
func NewShare(ctx context.Context, path string, wait time.Duration) (*Share, error) {
	path, err := canonical(Config{Path: path, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(ctx, path, false, wait)
	if err != nil {
		return nil, err
	}
	return &Share{path: path, lock: lock}, nil
}

// Path returns the absolute path of the file, without symbolic links.
func (s *Share) Path() string { return s.path }

// Release lets writers in. A second call does nothing.
func (s *Share) Release() {
	s.lock.unlock()
	s.lock = nil
}
