package main

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"mixduck/internal/buildinfo"
	"mixduck/internal/fault"
)

const help = `Keep local DuckDB copies of Mixpanel projects fresh.

Usage:
  mixduck COMMAND [ARGUMENT]...

Commands:
  worker    Run jobs and schedules, back up and compact databases
  enqueue   Ask workers for fetches and queries, and follow jobs
  lake      Publish stored days as Iceberg tables
  mp        Fetch into a database file and read it, without a worker
  help      Show this text, or the help of a command: mixduck help enqueue
  version   Print the version

Each command has its own help: mixduck enqueue --help.
`

// libexec is the variable for the directory of the programs.
const libexec = "MIXDUCK_LIBEXEC"

var programs = []string{"worker", "enqueue", "lake", "mp"}

// directories lists where the programs can be: only in override unless it is empty, otherwise next to the executable
// self.
func directories(override, self string) []string {
	if override != "" {
		return []string{override}
	}
	if target, err := filepath.EvalSymlinks(self); err == nil {
		self = target
	}
	bin := filepath.Dir(self)
	return []string{filepath.Join(bin, "..", "lib", "mixduck"), bin, "/usr/lib/mixduck"}
}

type dispatcher struct {
	dirs []string
	exec func(path string, args, environ []string) error // replaces the process; returns only on error
}

func (d dispatcher) run(args, environ []string, stdout io.Writer) error {
	switch word, rest := cut(args); {
	case word == "help" && len(rest) > 0:
		return d.start(rest[0], append(rest[1:], "--help"), environ)
	case slices.Contains([]string{"", "help", "-h", "--help"}, word):
		_, err := io.WriteString(stdout, help)
		return err
	case word == "version", word == "--version":
		_, err := fmt.Fprintln(stdout, "mixduck", buildinfo.Version())
		return err
	case strings.HasPrefix(word, "__complete") && len(rest) > 1: // called by shell completion, see cobra
		return d.start(rest[0], append([]string{word}, rest[1:]...), environ)
	case strings.HasPrefix(word, "__complete"):
		_, err := fmt.Fprintf(stdout, "%s\nhelp\nversion\n:4\n", strings.Join(programs, "\n")) // 4: no file names
		return err
	default:
		return d.start(word, rest, environ)
	}
}

func cut(args []string) (word string, rest []string) {
	if len(args) == 0 {
		return "", nil
	}
	return args[0], args[1:]
}

// start replaces this process with the program.
func (d dispatcher) start(program string, args, environ []string) error {
	if !slices.Contains(programs, program) {
		return fault.Usage("mixduck help", "mixduck has no command %q", program)
	}
	for _, dir := range d.dirs {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			// The variable for this program's directory is not a setting of the programs, which would reject it. The
			// name tells them how they were started.
			environ = slices.DeleteFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, libexec+"=") })
			return fmt.Errorf("%s: %w", path, d.exec(path, append([]string{"mixduck " + program}, args...), environ))
		}
	}
	return fault.New(fault.CodeNotFound, "set "+libexec+" to the directory that contains it",
		"%s is not in %s", program, strings.Join(d.dirs, " or "))
}
