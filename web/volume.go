package web

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// MinFree is how much room, in bytes, a file system has to have for a worker to be ready.
const MinFree = 512 << 20

// CheckWritable returns a check that files can be made in a directory.
func CheckWritable(dir string) func(context.Context) error {
	return func(context.Context) error {
		f, err := os.CreateTemp(dir, ".ready-*")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		return f.Close()
	}
}

// CheckRoom returns a check that the file system of a directory has [MinFree] to spare.
func CheckRoom(dir string) func(context.Context) error {
	return func(context.Context) error {
		free, _, err := room(dir)
		if err != nil {
			return err
		}
		if free < MinFree {
			return fmt.Errorf("%s has %d MiB left, and needs %d", dir, free>>20, MinFree>>20)
		}
		return nil
	}
}

// room returns how many bytes of dir's file system this user may still fill, and how many it has.
func room(dir string) (free, size uint64, err error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	unit := uint64(fs.Bsize)
	return fs.Bavail * unit, fs.Blocks * unit, nil
}
