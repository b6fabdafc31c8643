package storage

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"mixduck/internal/filelock"
)

// ErrUnknownHolder means that this process uses the file, so [Holder] cannot look.
var ErrUnknownHolder = errors.New("this process uses the database")

// Holder returns what keeps writers away from the database at path: another program that has the file open, or a process
// of ours that writes to it. It returns nil if there is nothing, or only readers of ours, for which a writer waits its turn.
// It opens nothing with DuckDB and does not wait.
func Holder(path string) (*LockedError, error) {
	path, err := canonical(Config{Path: path, ReadOnly: true})
	if errors.Is(err, ErrNotFound) {
		return nil, nil //nolint:nilnil // documented
	}
	if err != nil {
		return nil, err
	}
	// Closing the file drops the locks that this process has on it.
	writers, readers := slotOf(path, false), slotOf(path, true)
	if !writers.tryEnter() {
		return nil, ErrUnknownHolder
	}
	defer writers.leave()
	if !readers.tryEnter() {
		return nil, ErrUnknownHolder
	}
	defer readers.leave()
	if writers.inst != nil || readers.inst != nil {
		return nil, ErrUnknownHolder
	}
	if ours, err := sidecarHolder(path); ours || err != nil {
		return asLocked(path, err)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // documented
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pid, held, err := filelock.RecordHolder(f, true)
	if err != nil || !held {
		return nil, err
	}
	locked := &LockedError{Path: path, PID: pid}
	locked.FindCommand()
	return locked, nil
}

// sidecarHolder reports whether a process of ours holds the database: writers with an error that is filelock.ErrHeld,
// readers without one.
func sidecarHolder(path string) (ours bool, err error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR, 0)
	if err != nil {
		return false, nil // no process of ours has locked the database
	}
	defer filelock.Unlock(f) //nolint:errcheck // the file is closed in any case
	if err := filelock.Try(f, false); err != nil {
		return true, err
	}
	return filelock.Try(f, true) != nil, nil
}

// asLocked turns the error of sidecarHolder into the answer of Holder.
func asLocked(path string, err error) (*LockedError, error) {
	if !errors.Is(err, filelock.ErrHeld) {
		return nil, err
	}
	locked := &LockedError{Path: path}
	locked.readHolder()
	return locked, nil
}

// readHolder finds out which process has locked the database for writing.
func (e *LockedError) readHolder() {
	var h holder
	if b, err := os.ReadFile(e.Path + ".lock"); err == nil && json.Unmarshal(b, &h) == nil && alive(h.PID) {
		e.PID, e.Command = h.PID, commandOf(h.PID, h.Command)
	}
}
