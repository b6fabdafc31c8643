package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"mixduck/internal/fault"
	"mixduck/internal/filelock"
)

// seat is a worker's place at a data directory. Its id stays the same when the worker is started again, so that the
// queue knows at once which jobs its killed predecessor has left.
//
// With the embedded queue there is one seat. Workers that share a Redis may share a directory too: each takes the first
// seat that is free.
type seat struct {
	id    string
	locks []*os.File
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
		return nil, fault.New(fault.CodeLocked, "use that worker, stop it, or start this one with another --data-dir",
			"another worker uses the data directory %s", dataDir)
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
	return nil, fault.Usage("start fewer workers here", "%d workers already use %s", maxSeats, dataDir)
}

// enter adds the lock to the seat's if it is free.
func (s *seat) enter(name string, exclusive bool) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = filelock.Try(f, exclusive)
	if err == nil {
		s.locks = append(s.locks, f)
		return nil
	}
	f.Close()
	if errors.Is(err, filelock.ErrHeld) {
		return nil
	}
	return err
}

// leave gives the seat up.
func (s *seat) leave() {
	for _, f := range s.locks {
		_ = filelock.Unlock(f)
	}
}

func dirError(dataDir string, err error) error {
	return fault.Usage("use a --data-dir that this user can write to", "data directory %s: %w", dataDir, err)
}
