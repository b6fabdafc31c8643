package jobs

import (
	"slices"
	"strings"

	"mixduck/internal/name"
)

// DefaultVolume is the volume of a database named without one.
const DefaultVolume = "main"

// ParseDatabase returns the full name of a database, volume/relative path, from user input without or with a volume.
// The default is [DefaultVolume]. The first element counts as a volume only if it is in volumes. Errors have
// [fault.CodeUsage] and a hint.
func ParseDatabase(s string, volumes []string) (string, error) {
	full := s
	first, _, nested := strings.Cut(s, "/")
	if !nested || !slices.Contains(volumes, first) {
		full = DefaultVolume + "/" + s
	}
	if err := name.Database(full); err != nil {
		return "", err
	}
	return full, nil
}

// VolumeOf returns the volume of a full database name.
func VolumeOf(database string) string {
	volume, _, _ := strings.Cut(database, "/")
	return volume
}
