package cage

import (
	"fmt"
	"path/filepath"
	"strings"
)

// people are the macOS directories with data of people and services. What a program needs from the system is
// elsewhere.
var people = []string{"/Users", "/Volumes", "/Network", "/private/var", "/private/etc", "/private/tmp", "/opt", "/usr/local", "/Library/Keychains"}

// profile returns the rules for sandbox-exec. If two rules match, the later one applies.
func profile(exe string, cfg Config) string {
	var b strings.Builder
	b.WriteString("(version 1)\n(allow default)\n(deny network*)\n(deny process-fork)\n(deny process-exec*)\n(deny signal)\n(deny file-write*)\n")
	b.WriteString("(allow signal (target self))\n")
	for _, dir := range people {
		fmt.Fprintf(&b, "(deny file-read* (subpath %s))\n", quoted(dir))
	}
	b.WriteString("(allow file-read-metadata)\n(allow file-read* (subpath \"/private/var/db/dyld\") (subpath \"/private/var/db/timezone\"))\n")
	b.WriteString("(allow file-write* (literal \"/dev/null\"))\n")
	fmt.Fprintf(&b, "(allow process-exec* file-read* (literal %s))\n", quoted(resolved(exe)))
	for _, path := range cfg.Read {
		fmt.Fprintf(&b, "(allow file-read* (subpath %s))\n", quoted(resolved(path)))
	}
	for _, path := range cfg.Write {
		fmt.Fprintf(&b, "(allow file-read* file-write* (subpath %s))\n", quoted(resolved(path)))
	}
	return b.String()
}

// resolved returns path without symbolic links, because rules do not follow them.
func resolved(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return filepath.Clean(path)
}

// quoted quotes a string for the profile language, a dialect of Scheme.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
