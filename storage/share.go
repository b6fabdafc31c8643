package storage

import (
	"context"
	"time"
)

// Share keeps the writers of this program, in whichever process, away from a database file. It opens no database, so that
// another process can: one that reads the file in the place of this one, with [Config.Shared] set.
type Share struct {
	path string
	lock *fileLock
}

// NewShare waits until no load is under way, for at most wait (see [Config.LockWait]), and then keeps writers away until
// Release. It returns [ErrLocked] and [ErrNotFound] as [Open] does.
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

// Path returns the file's absolute path without symbolic links.
func (s *Share) Path() string { return s.path }

// Release lets writers in. A second call does nothing.
func (s *Share) Release() {
	s.lock.unlock()
	s.lock = nil
}
