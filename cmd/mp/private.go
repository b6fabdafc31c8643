package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"mixduck/internal/fault"
	"mixduck/internal/filelock"
	"mixduck/internal/filesystem"
)

// private is a directory of one command, which removes it at the end. If the command is killed, the next one removes
// the directory: a live command holds a lock on it.
type private struct {
	path string
	lock *os.File
}

const privatePrefix = "mp-private-"

// newPrivate makes a directory in parent, "" for the system's temporary directory.
func newPrivate(parent string) (*private, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	left, err := os.ReadDir(parent)
	if err != nil {
		return nil, err
	}
	for _, d := range left {
		if strings.HasPrefix(d.Name(), privatePrefix) {
			removeDead(filepath.Join(parent, d.Name()))
		}
	}
	for {
		path, err := os.MkdirTemp(parent, privatePrefix+"*")
		if err != nil {
			return nil, err
		}
		lock, err := lockDir(path)
		if err == nil {
			return &private{path, lock}, nil
		}
		if !errors.Is(err, filelock.ErrHeld) && !errors.Is(err, fs.ErrNotExist) { // otherwise another command has removed it
			return nil, errors.Join(err, os.RemoveAll(path))
		}
	}
}

// lockDir locks an existing directory, or fails at once.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err = filelock.Try(f, true); err == nil {
		_, err = os.Lstat(path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// removeDead removes a directory of a dead command. It ignores errors.
func removeDead(path string) {
	if lock, err := lockDir(path); err == nil {
		_ = os.RemoveAll(path)
		lock.Close()
	}
}

func (p *private) remove() error {
	defer p.lock.Close()
	return os.RemoveAll(p.path)
}

// sharedMemory is a file system in memory on Linux.
const sharedMemory = "/dev/shm"

// checkMemory returns an error if dir is not a directory in memory where files can be created.
func checkMemory(dir string) error {
	inMemory, err := filesystem.InMemory(dir)
	if err == nil && !inMemory {
		err = errors.New("it is on disk")
	}
	if err == nil {
		err = unix.Access(dir, unix.W_OK|unix.X_OK)
	}
	if err != nil {
		return fault.New(fault.CodeFailed, "use --ephemeral, or mount a tmpfs there",
			"--in-memory with --query needs an in-memory file system at %s: %w", dir, err)
	}
	return nil
}

// full adds to an error about a full disk where to find more room.
func full(err error, inMemory bool) error {
	file, ours := errors.AsType[*fs.PathError](err) // otherwise it is DuckDB's
	switch {
	case !errors.Is(err, unix.ENOSPC):
		return err
	case ours && !strings.HasPrefix(file.Path, os.TempDir()):
		return err
	case ours:
		return fault.New(fault.CodeFailed, "free some space there, or set TMPDIR to a directory with more", "%w", err)
	case inMemory:
		return fault.New(fault.CodeFailed, "fetch fewer days, use --ephemeral, or make "+sharedMemory+" larger", "%w", err)
	}
	return err
}

// database returns the path of a database in the directory.
func (p *private) database() string { return filepath.Join(p.path, "private.db") }
