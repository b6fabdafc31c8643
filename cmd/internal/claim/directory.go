package claim

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mixduck/config"
	"mixduck/internal/filesystem"
	"mixduck/jobs"
)

// Identify returns the volumes with the IDs of their directories. It creates missing IDs.
func Identify(volumes []config.Volume) ([]jobs.Volume, error) {
	identified := make([]jobs.Volume, len(volumes))
	for i, v := range volumes {
		id, err := DirectoryID(v.Dir)
		if err != nil {
			return nil, fmt.Errorf("volume %s: %w", v.Name, err)
		}
		identified[i] = jobs.Volume{Name: v.Name, ID: id}
	}
	return identified, nil
}

// DirectoryID returns an ID that identifies the directory among all that use the same Redis, wherever it is mounted.
// The ID is stored in the directory.
func DirectoryID(dir string) (string, error) {
	id, err := keepID(filepath.Join(dir, ".mixduck", "id"))
	if err != nil {
		return "", dirError(dir, err)
	}
	return id, nil
}

// KnownID returns the ID of a directory, "none" if it has none yet.
func KnownID(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, ".mixduck", "id"))
	if errors.Is(err, fs.ErrNotExist) {
		return "none", nil
	}
	return strings.TrimSpace(string(b)), err
}

// keepID returns the ID in a file, and creates it if it is missing.
func keepID(name string) (string, error) {
	b, err := os.ReadFile(name)
	if err == nil && len(b) > 0 {
		return strings.TrimSpace(string(b)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", err
	}
	tmp := fmt.Sprintf("%s.%d", name, os.Getpid())
	if err := os.WriteFile(tmp, []byte(strings.ToLower(rand.Text()[:12])+"\n"), 0o600); err != nil {
		return "", err
	}
	defer os.Remove(tmp)
	if err := filesystem.Sync(tmp); err != nil {
		return "", err
	}
	if err := os.Link(tmp, name); err != nil && !errors.Is(err, fs.ErrExist) { // the first of two concurrent processes wins
		return "", err
	}
	b, err = os.ReadFile(name)
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("%s is empty: delete it, and a new id is made at the next start", name)
	}
	return strings.TrimSpace(string(b)), err
}
