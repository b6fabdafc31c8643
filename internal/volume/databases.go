package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mixduck/internal/name"
)

// File is a file in a volume that may be a database.
type File struct {
	Rel       string    // relative to the volume's directory
	WrittenAt time.Time // last write, to the database or to its log
}

// Databases lists the files in a directory that look like databases: by their names, or because Mixduck has locked them
// before. It does not open them, because closing them would drop this process's locks. It skips hidden directories and snapshots.
func Databases(dir string) (all []File, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == filepath.Join(dir, name.SnapshotDir) || path != dir && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !d.Type().IsRegular() || !looksLikeDatabase(path):
			return nil
		}
		at, err := writtenAt(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		all = append(all, File{rel, at})
		return err
	})
	return all, err
}

// writtenAt returns the time of the last write to a database. A killed process may have left commits in the log file.
func writtenAt(path string) (time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	if log, err := os.Stat(path + ".wal"); err == nil && log.ModTime().After(info.ModTime()) {
		return log.ModTime(), nil
	}
	return info.ModTime(), nil
}

func looksLikeDatabase(path string) bool {
	switch filepath.Ext(path) {
	case ".db", ".duckdb":
		return true
	case ".lock", ".turn", ".wal":
		return false
	}
	_, err := os.Stat(path + ".lock")
	return err == nil
}
