package connect

import (
	"strings"

	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/internal/volume"
)

// Locate returns the directory of a database's volume, and the path of its file. program is the one that needs them, for
// the error if it has no such volume.
func Locate(cfg config.Config, program, database string) (dir, path string, err error) {
	name, rel, _ := strings.Cut(database, "/")
	if dir = cfg.VolumeDir(name); dir == "" {
		return "", "", fault.Usage("add it to --volumes", "%s has no volume %s", program, name)
	}
	path, err = volume.Path(dir, rel)
	return dir, path, err
}
