//go:build unix

// Package filesystem knows what differs between the file systems of operating systems: free space, kinds of file systems,
// and how to replace a file, or give it an unused name, in one step. It does not know what is in a file.
package filesystem

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// RenameNew gives the file from the name to. If that name exists, it returns [fs.ErrExist] and from keeps its name.
func RenameNew(from, to string) error {
	err := renameNew(from, to)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP) { // some file systems cannot
		if err = os.Link(from, to); err == nil {
			err = os.Remove(from)
		}
	}
	return err
}

// Room returns the free bytes that this user may use on dir's file system, and its size in bytes.
func Room(dir string) (free, size uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	unit := blockSize(&st)
	return st.Bavail * unit, st.Blocks * unit, nil
}

// Remote reports whether dir is on a network file system, where locks are not reliable. It returns false if that is unknown.
func Remote(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && remote(&st)
}

// InMemory reports whether dir is on an in-memory file system.
func InMemory(dir string) (bool, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return false, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return inMemory(&st), nil
}
