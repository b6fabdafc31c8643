package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"mixduck/internal/fault"
	"mixduck/internal/filelock"
)

// claim is a worker's claim to a data directory. Its id stays the same when the worker is restarted, so the queue
// recognizes at once the jobs that a killed worker has left.
//
// With the embedded queue, only one worker can claim a directory. Workers that share a Redis may share a directory too:
// each takes the first free number.
type claim struct {
	id    string
	locks []*os.File
}

const maxWorkers = 256

// takeClaim claims dataDir, and creates it if necessary. If alone is true, no other worker may use it.
func takeClaim(dataDir string, alone bool) (_ *claim, err error) {
	dir := filepath.Join(dataDir, ".mixduck", "seats")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, dirError(dataDir, err)
	}
	s := &claim{}
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
	for n := 1; n <= maxWorkers; n++ {
		if err := s.enter(filepath.Join(dir, fmt.Sprintf("%d.lock", n)), true); err != nil {
			return nil, err
		}
		if len(s.locks) == 2 {
			s.id = fmt.Sprintf("%s-%d", id, n)
			return s, nil
		}
	}
	return nil, fault.Usage("start fewer workers here", "%d workers already use %s", maxWorkers, dataDir)
}

// enter adds a lock to the claim if it is free.
func (s *claim) enter(name string, exclusive bool) error {
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

// leave releases the claim.
func (s *claim) leave() {
	for _, f := range s.locks {
		_ = filelock.Unlock(f)
	}
}

func dirError(dataDir string, err error) error {
	return fault.Usage("use a --data-dir that this user can write to", "data directory %s: %w", dataDir, err)
}
