package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"mixduck/cmd/internal/check"
	"mixduck/internal/fault"
	"mixduck/internal/filelock"
	"mixduck/internal/filesystem"
	"mixduck/internal/wording"
)

const (
	littleRoom = 1 << 30 // bytes
	trialBytes = 1 << 20
)

// Directory checks that files can be created, written and locked in dir, or that dir can be created. It leaves nothing
// behind.
func Directory(name, dir string) check.Result {
	existing := dir
	for {
		info, err := os.Stat(existing)
		if err == nil && !info.IsDir() {
			return check.Fail(name, fault.New(fault.CodeFailed, "use another directory", "%s is not a directory", existing))
		}
		if err == nil {
			break
		}
		if parent := filepath.Dir(existing); errors.Is(err, fs.ErrNotExist) && parent != existing {
			existing = parent
			continue
		}
		return check.Fail(name, fault.New(fault.CodeFailed, "use a directory that this user can read and write", "%w", err))
	}
	if filesystem.Remote(existing) {
		return check.Fail(name, fault.New(fault.CodeFailed, "use a local disk", "%s is on a network file system, where file locks are not reliable", dir))
	}
	if existing != dir {
		if err := unix.Access(existing, unix.W_OK|unix.X_OK); err != nil {
			return check.Fail(name, fault.New(fault.CodeFailed, "give this user write permission for "+existing, "%s does not exist and cannot be created: %w", dir, err))
		}
		return check.Good(name, "%s will be created", dir)
	}
	if err := try(dir); err != nil {
		return check.Fail(name, cure(dir, err))
	}
	free, _, err := filesystem.Room(dir)
	switch {
	case err != nil:
		return check.Fail(name, err)
	case free < littleRoom:
		return check.Warn(name, "free some space, or use another disk", "%s has only %s free", dir, wording.Megabytes(int64(free)))
	}
	return check.Good(name, "%s is writable, files can be locked, %s free", dir, wording.Megabytes(int64(free)))
}

// try creates, writes, locks and removes a file.
func try(dir string) (err error) {
	f, err := os.CreateTemp(dir, ".mixduck-check-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if err := filelock.Try(f, true); err != nil {
		return err
	}
	if _, err := f.Write(make([]byte, trialBytes)); err != nil {
		return err
	}
	return f.Sync()
}

// cure adds a hint to an error in dir.
func cure(dir string, err error) error {
	hint := "use a working local disk"
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		hint = "free some space, or use another disk"
	case errors.Is(err, unix.EROFS):
		hint = "mount it writable, or use another directory"
	case errors.Is(err, fs.ErrPermission):
		hint = "give this user write permission for " + dir
	}
	return fault.New(fault.CodeFailed, hint, "%w", err)
}
