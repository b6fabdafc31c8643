package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"mixduck/cmd/internal/check"
	"mixduck/internal/wording"
	"mixduck/storage"
)

// Database checks that the file at path can be read. A missing file is good; a file that another process is writing to
// is a warning.
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
	var foreign []string
	if err == nil {
		foreign, err = e.Foreign(ctx)
		err = errors.Join(err, e.Close())
	}
	switch {
	case err != nil:
		return check.Fail(name, err)
	case len(foreign) > 0:
		return check.Warn(name, "fetch with --adopt, which keeps these tables under new names, or fetch into another file",
			"%s is readable, but another program created it: %s", path, strings.Join(foreign, ", "))
	}
	return check.Good(name, "%s is readable, %s", path, wording.Megabytes(info.Size()))
}
