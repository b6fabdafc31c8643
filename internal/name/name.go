// Package name defines valid names of databases, tables and volumes. It does not know what they are.
package name

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mixduck/internal/fault"
)

const (
	maxDatabaseBytes = 512
	databaseHint     = "use volume/path.db, for example main/12345.db, with a path inside the volume"
)

var (
	volumePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	tablePattern  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
)

// Volume returns an error with [fault.CodeUsage] and a hint unless s is a valid name of a volume.
func Volume(s string) error {
	if !volumePattern.MatchString(s) {
		return fault.Usage("use lower-case letters, digits, - and _", "%q is not a valid volume name", s)
	}
	return nil
}

// Table does the same for a table. It rejects names that the engine uses, ignoring case as DuckDB does.
func Table(s string) error {
	lower := strings.ToLower(s)
	switch {
	case !tablePattern.MatchString(s):
		return fault.Usage("use at most 63 letters, digits and _; the first character must not be a digit", "%q is not a valid table name", s)
	case strings.HasPrefix(lower, "__"), strings.HasPrefix(lower, "mixduck"), strings.HasSuffix(lower, "__replacing"):
		return fault.Usage("choose another name", "table %q is reserved", s)
	}
	return nil
}

// sidecars are the suffixes of files that DuckDB and Mixduck keep next to a database.
var sidecars = []string{".wal", ".lock", ".turn", ".tmp", ".copying"}

// schemas are the schemas of databases. DuckDB names a database after its file, up to the first dot, and cannot tell the
// database mixduck from its schema mixduck.
var schemas = []string{"mixduck", "compat", "model", "information_schema"}

// File does the same for the path of a database. A rejected path is never a valid database, wherever it comes from.
// Some characters have a meaning for DuckDB's driver, and a file or directory named like a sidecar could be that of
// another database. Case is ignored, because some file systems ignore it.
func File(path string) error {
	for _, r := range path {
		if unicode.IsControl(r) || r == utf8.RuneError || strings.ContainsRune("?#%", r) {
			return fault.Usage("rename the file", "%q: the path of a database cannot contain %q", path, r)
		}
	}
	for element := range strings.SplitSeq(path, "/") {
		for _, end := range sidecars {
			if strings.HasSuffix(strings.ToLower(element), end) {
				return fault.Usage("choose another name", "%q: names ending in %s are reserved for Mixduck's and DuckDB's own files", path, end)
			}
		}
	}
	if stem, _, _ := strings.Cut(filepath.Base(path), "."); slices.Contains(schemas, strings.ToLower(stem)) {
		return fault.Usage("rename the file, for example to "+stem+"_data.db", "%q: a database cannot be called %s, because it has a schema with this name", path, stem)
	}
	return nil
}

// SnapshotDir is the directory of a volume that contains the snapshots of its databases.
const SnapshotDir = "read"

// IsSnapshot reports whether a database name is that of a snapshot.
func IsSnapshot(database string) bool {
	_, path, _ := strings.Cut(database, "/")
	return strings.HasPrefix(path, SnapshotDir+"/")
}

// Target does the same as [Database] for a database that is written to. It cannot be a snapshot.
func Target(s string) error {
	if err := Database(s); err != nil {
		return err
	}
	if IsSnapshot(s) {
		return fault.Usage("use another directory", "%q: the directory %s of a volume contains snapshots, and nothing else can be written there", s, SnapshotDir)
	}
	return nil
}

// Database does the same for a full name, volume/relative path. It must end in .db or .duckdb, so it cannot be the
// lock or log of another database. No element may be empty or hidden, which also excludes "." and "..".
func Database(s string) error {
	volume, path, ok := strings.Cut(s, "/")
	switch {
	case !ok || path == "":
		return fault.Usage(databaseHint, "database %q is not volume/path.db", s)
	case len(s) > maxDatabaseBytes:
		return fault.Usage(databaseHint, "the name of the database has %d bytes; the maximum is %d", len(s), maxDatabaseBytes)
	case !volumePattern.MatchString(volume):
		return Volume(volume)
	case strings.ContainsRune(path, '\\'):
		return fault.Usage(databaseHint, "database %q contains a backslash", s)
	case File(path) != nil:
		return File(path)
	case !strings.HasSuffix(path, ".db") && !strings.HasSuffix(path, ".duckdb"):
		return fault.Usage(databaseHint, "database %q does not end in .db or .duckdb", s)
	}
	for element := range strings.SplitSeq(path, "/") {
		if element == "" || element[0] == '.' {
			return fault.Usage(databaseHint, "database %q leaves its volume or contains an empty or hidden element", s)
		}
	}
	return nil
}
