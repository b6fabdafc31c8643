//go:build unix

package filelock

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A POSIX lock, as used by DuckDB on its files, belongs to the process and the file: closing any descriptor of the
// file releases it. Use these functions only on files that this process has not locked in that way.

// TryRecord takes a shared POSIX lock on f, or returns [ErrHeld]. It ends when any descriptor of the file is closed.
func TryRecord(f *os.File) error {
	err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart})
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		return ErrHeld
	case err != nil:
		return &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return nil
}

// RecordHolder returns the process whose POSIX lock on f conflicts with an exclusive or shared one. held is false if
// there is none. pid is 0 if the process is in another container.
func RecordHolder(f *os.File, exclusive bool) (pid int, held bool, err error) {
	l := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart}
	if exclusive {
		l.Type = unix.F_WRLCK
	}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &l); err != nil {
		return 0, false, &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return max(0, int(l.Pid)), l.Type != unix.F_UNLCK, nil
}
