package cage

import (
	"fmt"
	"path/filepath"
	"strings"
)

// people are the directories of macOS in which people and services keep their data. What a program needs from the system is
// elsewhere.
var people = []string{"/Users", "/Volumes", "/Network", "/private/var", "/private/etc", "/private/tmp", "/opt", "/usr/local", "/Library/Keychains"}

// profile returns what sandbox-exec is to allow: of two rules that fit, the later one decides.
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

// resolved returns path without symbolic links, which rules do not follow.
func resolved(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return filepath.Clean(path)
}

// quoted writes a string as the language of profiles, a Scheme, wants it.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
