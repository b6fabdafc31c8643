package e2e

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// walkFiles calls fn with each file below dir, which may be missing.
func walkFiles(dir string, fn func(path string)) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			fn(path)
		}
		return err
	})
}
