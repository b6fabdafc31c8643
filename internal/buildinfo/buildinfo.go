// Package buildinfo knows the running version of Mixduck.
package buildinfo

import "runtime/debug"

// version is set by the linker in releases: -ldflags "-X mixduck/internal/buildinfo.version=v1.2.3".
var version string

// Version returns the release, otherwise the module's version, otherwise the commit it was built from (with "+dirty"
// if there were changes), otherwise "devel". It is never empty.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	return fromBuild(info)
}

const (
	unknown     = "devel"
	commitShown = 12 // characters, as in Go's pseudo-versions
)

func fromBuild(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	var commit, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(len(s.Value), commitShown)]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if commit == "" {
		return unknown
	}
	return unknown + "-" + commit + dirty
}
