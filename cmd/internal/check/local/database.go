package local

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"mixduck/cmd/internal/check"
	"mixduck/cmd/internal/console"
	"mixduck/storage"
)

// Database checks that the file at path can be read. One that does not exist is fine, one that another process writes to
// gives a warning.
func Database(ctx context.Context, name, path string) check.Result {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return check.Good(name, "%s does not exist yet; the first fetch creates it", path)
	case err != nil:
		return check.Fail(name, err)
	}
	e, err := storage.Open(ctx, storage.Config{Path: path, ReadOnly: true})
	if locked, ok := errors.AsType[*storage.LockedError](err); ok {
		return check.Warn(name, "wait until that process closes the database", "%s", locked)
	}
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		return check.Fail(name, err)
	}
	return check.Good(name, "%s is readable, %s", path, console.Megabytes(info.Size()))
}
