package jobs

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mixduck/internal/fault"
)

// DefaultVolume is the volume of a database that is named without one.
const DefaultVolume = "main"

const maxDatabaseBytes = 512

var volumeName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

const databaseHint = "name it volume/path.db, for example main/12345.db, with a path inside the volume"

// ParseDatabase returns the full name of a database, volume/relative path, from what a person typed: the volume may be
// left out and is then [DefaultVolume]. The first element is taken for a volume only if it is one of volumes. Errors
// have [fault.CodeUsage] and a hint.
func ParseDatabase(s string, volumes []string) (string, error) {
	name := s
	first, _, nested := strings.Cut(s, "/")
	if !nested || !slices.Contains(volumes, first) {
		name = DefaultVolume + "/" + s
	}
	if err := validateDatabase(name); err != nil {
		return "", err
	}
	return name, nil
}

// volumeOf returns the volume of a full database name.
func volumeOf(database string) string {
	volume, _, _ := strings.Cut(database, "/")
	return volume
}

// validateDatabase checks a full name: volume/relative path, ending in .db or .duckdb (so that no name is that of
// another database's lock or log), no element empty or hidden (which rules out "." and ".." as well).
func validateDatabase(name string) error {
	volume, path, ok := strings.Cut(name, "/")
	switch {
	case !ok || path == "":
		return fault.Usage(databaseHint, "database %q names no file in a volume", name)
	case len(name) > maxDatabaseBytes:
		return fault.Usage(databaseHint, "the database's name has %d bytes; at most %d are allowed", len(name), maxDatabaseBytes)
	case !volumeName.MatchString(volume):
		return CheckVolume(volume)
	case !utf8.ValidString(path) || strings.ContainsFunc(path, unicode.IsControl) || strings.ContainsRune(path, '\\'):
		return fault.Usage(databaseHint, "database %q contains characters that no file name should", name)
	case !strings.HasSuffix(path, ".db") && !strings.HasSuffix(path, ".duckdb"):
		return fault.Usage(databaseHint, "database %q does not end in .db or .duckdb", name)
	}
	for element := range strings.SplitSeq(path, "/") {
		if element == "" || element[0] == '.' {
			return fault.Usage(databaseHint, "database %q leaves its volume or contains an empty or hidden element", name)
		}
	}
	return nil
}
