package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"mixduck/internal/fault"
)

// seat is a worker's place at a data directory. Its id stays the same when the worker is started again, so that the
// queue knows at once which jobs its killed predecessor has left.
//
// With the embedded queue there is one seat. Workers that share a Redis may share a directory too: each takes the first
// seat that is free.
type seat struct {
	id    string
	locks []*flock.Flock
}

const maxSeats = 256

// takeSeat sits down at dataDir, which it makes if need be.
func takeSeat(dataDir string, alone bool) (_ *seat, err error) {
	dir := filepath.Join(dataDir, ".mixduck", "seats")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, dirError(dataDir, err)
	}
	s := &seat{}
	defer func() {
		if err != nil {
			s.leave()
		}
	}()
	if err := s.enter(filepath.Join(dir, "all.lock"), alone); err != nil {
		return nil, dirError(dataDir, err)
	}
	if len(s.locks) == 0 {
		return nil, fault.New(fault.CodeLocked, "use that worker, stop it, or give this one another --data-dir",
			"another worker owns the data directory %s", dataDir)
	}
	id, err := directoryID(dataDir)
	if err != nil {
		return nil, err
	}
	for n := 1; n <= maxSeats; n++ {
		if err := s.enter(filepath.Join(dir, fmt.Sprintf("%d.lock", n)), true); err != nil {
			return nil, err
		}
		if len(s.locks) == 2 {
			s.id = fmt.Sprintf("%s-%d", id, n)
			return s, nil
		}
	}
	return nil, fault.Usage("start fewer workers here", "%d workers sit at %s already", maxSeats, dataDir)
}

// enter adds the lock to the seat's if it is free.
func (s *seat) enter(name string, exclusive bool) error {
	l := flock.New(name)
	try := l.TryRLock
	if exclusive {
		try = l.TryLock
	}
	ok, err := try()
	if ok {
		s.locks = append(s.locks, l)
	}
	return err
}

// leave gives the seat up.
func (s *seat) leave() {
	for _, l := range s.locks {
		_ = l.Unlock()
	}
}

func dirError(dataDir string, err error) error {
	return fault.Usage("give a directory that this user may write to as --data-dir", "data directory %s: %w", dataDir, err)
}
