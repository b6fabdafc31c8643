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

// private is a directory of one command, which removes it in the end. One that a killed command has left is removed by the
// next: who lives holds a lock on his.
type private struct {
	path string
	lock *os.File
}

const privatePrefix = "mp-private-"

// newPrivate makes a directory in parent, "" for the system's place for temporary files.
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
		if !errors.Is(err, filelock.ErrHeld) && !errors.Is(err, fs.ErrNotExist) { // else one that cleans up was faster
			return nil, errors.Join(err, os.RemoveAll(path))
		}
	}
}

// lockDir takes the lock of a directory that is there, or fails at once.
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

// removeDead removes a directory whose command lives no more. It is a courtesy, and fails in silence.
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

// sharedMemory is where Linux has a file system in memory.
const sharedMemory = "/dev/shm"

// checkMemory returns an error if dir is no directory in memory in which files can be made.
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

// full makes an error say where to find more room, if it is that there is none.
func full(err error, inMemory bool) error {
	file, ours := errors.AsType[*fs.PathError](err) // else it is DuckDB's
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

// database returns the path that a database has in the directory.
func (p *private) database() string { return filepath.Join(p.path, "private.db") }
