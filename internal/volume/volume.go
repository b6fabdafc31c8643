// Package volume finds database files in the directories of volumes. It does not let names lead outside of them.
package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mixduck/internal/fault"
	"mixduck/internal/name"
)

const hint = "use a database inside the data directory, for example main/12345.db"

// Path returns the absolute path of the database rel, relative to the volume's directory dir, with symbolic links
// resolved as far as the path exists. It rejects, with [fault.CodeUsage], paths that lead outside dir, directly or
// through a link, paths in hidden directories (one of them has Mixduck's own files), and paths of anything that is not
// a regular file.
func Path(dir, rel string) (string, error) {
	if !filepath.IsLocal(rel) {
		return "", fault.Usage(hint, "%q is outside the data directory", rel)
	}
	for part := range strings.SplitSeq(filepath.Clean(rel), string(filepath.Separator)) {
		if strings.HasPrefix(part, ".") {
			return "", fault.Usage(hint, "%q is in a hidden directory", rel)
		}
	}
	root, err := resolve(dir)
	if err != nil {
		return "", err
	}
	path, err := resolve(filepath.Join(root, rel))
	if err != nil {
		return "", err
	}
	if inside, err := filepath.Rel(root, path); err != nil || !filepath.IsLocal(inside) {
		return "", fault.Usage(hint, "%q points outside the data directory, to %s", rel, path)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", fault.Usage(hint, "%s is not a regular file", path)
	}
	return path, nil
}

// Snapshot returns the path of the snapshot of the database rel, like Path for the database.
func Snapshot(dir, rel string) (string, error) {
	return Path(dir, filepath.Join(name.SnapshotDir, rel))
}

// resolve makes path absolute and follows its links. Missing parts are kept. A link without a target is an error,
// because it is unclear where a file created through it would be.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return resolved, err
	}
	if _, err := os.Lstat(path); err == nil {
		return "", fault.Usage("remove the link, or create its target", "%s is a link without a target", path)
	}
	parent, err := resolve(filepath.Dir(path))
	return filepath.Join(parent, filepath.Base(path)), err
}
