// Package npm downloads the packages that a package-lock.json lists, and checks them against its hashes. It needs neither npm
// nor Node, runs no scripts, and resolves no versions: that is npm's part, when the lock file is written.
package npm

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Package is an entry of a lock file.
type Package struct {
	Dir     string // below which its files belong, for example node_modules/@codemirror/view
	Name    string
	Version string
	Dev     bool // needed for development only
	sum     [sha512.Size]byte
}

// ReadLock returns the packages of a package-lock.json in the order of their directories. Each must have a SHA-512 hash.
func ReadLock(lock []byte) ([]Package, error) {
	var file struct {
		LockfileVersion int `json:"lockfileVersion"`
		Packages        map[string]struct {
			Version, Integrity string
			Dev, Link          bool
		} `json:"packages"`
	}
	if err := json.Unmarshal(lock, &file); err != nil {
		return nil, fmt.Errorf("lock file: %w", err)
	}
	if file.LockfileVersion != 3 {
		return nil, fmt.Errorf("lock file: version %d, want 3", file.LockfileVersion)
	}
	var all []Package
	for dir, entry := range file.Packages {
		if dir == "" { // the package that the lock file belongs to
			continue
		}
		p := Package{Dir: dir, Version: entry.Version, Dev: entry.Dev}
		_, p.Name, _ = cutLast(dir, "node_modules/")
		if p.Name == "" || entry.Link || !filepath.IsLocal(dir) || path.Base(entry.Version) != entry.Version {
			return nil, fmt.Errorf("lock file: %q is not a package of a registry", dir)
		}
		sum, ok := strings.CutPrefix(entry.Integrity, "sha512-")
		b, err := base64.StdEncoding.DecodeString(sum)
		if !ok || err != nil || len(b) != len(p.sum) {
			return nil, fmt.Errorf("lock file: %s has no SHA-512 hash", dir)
		}
		copy(p.sum[:], b)
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Package) int { return strings.Compare(a.Dir, b.Dir) })
	return all, nil
}

// cutLast cuts s around the last separator.
func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return "", "", false
}
