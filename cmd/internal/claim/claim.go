// Package claim gives each worker process an ID that stays the same when it is restarted, and keeps two processes from
// using the same one. It also identifies directories.
package claim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"mixduck/internal/fault"
	"mixduck/internal/filelock"
)

// Claim is a process's claim to a data directory. Its ID stays the same when the process is restarted, so the queue
// recognizes at once the jobs that a killed process has left.
//
// With the embedded queue, only one worker can claim a directory. Workers that share a Redis may share a directory too:
// each takes the first free number.
type Claim struct {
	ID    string
	locks []*os.File
}

// Role is a kind of process. Processes of different roles do not exclude each other.
type Role string

// The roles.
const (
	Worker Role = ""
	Lake   Role = "lake-"
)

const maxWorkers = 256

// Take claims dataDir, and creates it if necessary. If alone is true, no other process of this role may use it.
func Take(dataDir string, role Role, alone bool) (_ *Claim, err error) {
	dir := filepath.Join(dataDir, ".mixduck", "seats")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, dirError(dataDir, err)
	}
	s := &Claim{}
	defer func() {
		if err != nil {
			s.Leave()
		}
	}()
	if err := s.enter(filepath.Join(dir, string(role)+"all.lock"), alone); err != nil {
		return nil, dirError(dataDir, err)
	}
	if len(s.locks) == 0 {
		return nil, fault.New(fault.CodeLocked, "use that worker, stop it, or start this one with another --data-dir",
			"another worker uses the data directory %s", dataDir)
	}
	id, err := DirectoryID(dataDir)
	if err != nil {
		return nil, err
	}
	for n := 1; n <= maxWorkers; n++ {
		if err := s.enter(filepath.Join(dir, fmt.Sprintf("%s%d.lock", role, n)), true); err != nil {
			return nil, err
		}
		if len(s.locks) == 2 {
			s.ID = fmt.Sprintf("%s-%s%d", id, role, n)
			return s, nil
		}
	}
	return nil, fault.Usage("start fewer workers here", "%d workers already use %s", maxWorkers, dataDir)
}

// enter adds a lock to the claim if it is free.
func (s *Claim) enter(name string, exclusive bool) error {
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

// Leave releases the claim.
func (s *Claim) Leave() {
	for _, f := range s.locks {
		_ = filelock.Unlock(f)
	}
}

func dirError(dataDir string, err error) error {
	return fault.Usage("use a --data-dir that this user can write to", "data directory %s: %w", dataDir, err)
}
