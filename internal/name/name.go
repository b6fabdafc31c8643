// Package name says what databases, tables and volumes may be called. It knows nothing of what they are.
package name

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"mixduck/internal/fault"
)

const (
	maxDatabaseBytes = 512
	databaseHint     = "name it volume/path.db, for example main/12345.db, with a path inside the volume"
)

var (
	volumePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	tablePattern  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
)

// Volume returns an error with [fault.CodeUsage] and a hint unless s is fit for a volume.
func Volume(s string) error {
	if !volumePattern.MatchString(s) {
		return fault.Usage("lower-case letters, digits, - and _", "%q is no name of a volume", s)
	}
	return nil
}

// Table does so for a table. It keeps tables out of the names that the engine uses itself; DuckDB does not tell cases apart.
func Table(s string) error {
	lower := strings.ToLower(s)
	switch {
	case !tablePattern.MatchString(s):
		return fault.Usage("letters, digits and _, at most 63, not beginning with a digit", "%q is no name of a table", s)
	case strings.HasPrefix(lower, "__"), strings.HasPrefix(lower, "mixduck"), strings.HasSuffix(lower, "__replacing"):
		return fault.Usage("choose another name", "table %q is reserved", s)
	}
	return nil
}

// Database does so for a full name, volume/relative path, ending in .db or .duckdb (so that no name is that of another
// database's lock or log), no element empty or hidden (which rules out "." and ".." as well).
func Database(s string) error {
	volume, path, ok := strings.Cut(s, "/")
	switch {
	case !ok || path == "":
		return fault.Usage(databaseHint, "database %q names no file in a volume", s)
	case len(s) > maxDatabaseBytes:
		return fault.Usage(databaseHint, "the database's name has %d bytes; at most %d are allowed", len(s), maxDatabaseBytes)
	case !volumePattern.MatchString(volume):
		return Volume(volume)
	case !utf8.ValidString(path) || strings.ContainsFunc(path, unicode.IsControl) || strings.ContainsRune(path, '\\'):
		return fault.Usage(databaseHint, "database %q contains characters that no file name should", s)
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
