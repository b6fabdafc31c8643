// Package suite integrates a program with `mixduck`: it spells commands as people type them, and lets the program
// write its manual pages. It knows no command.
package suite

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"mixduck/internal/buildinfo"
	"mixduck/internal/fault"
)

const name = "mixduck"

// commands are the commands of each program; they can have subcommands.
var commands = map[string][]string{
	"enqueue": {"ask", "budget", "check", "completion", "coverage", "fetch", "inspect", "jobs", "lanes", "model", "promote", "publish", "query", "questions", "schedules", "snapshot", "status", "ui", "verify", "version", "workers"},
	"lake":    {"completion", "run", "version"},
	"mp":      {"ask", "check", "completion", "fetch", "inspect", "mcp", "query", "questions", "verify", "version"},
	"worker":  {"backup", "compact", "completion", "demo", "healthcheck", "run", "validate", "version"},
}

var mention = regexp.MustCompile("(^|[\\s'\"(`])(mixduck )?(enqueue|lake|mp|worker) ([a-z]+)\\b")

// Spell returns a text, such as a hint, in which commands are spelled as people type them who started a program by
// this name.
func Spell(startedAs, text string) string {
	if !byMixduck(startedAs) {
		return text
	}
	return mention.ReplaceAllStringFunc(text, func(found string) string {
		m := mention.FindStringSubmatch(found)
		if m[2] != "" || !slices.Contains(commands[m[3]], m[4]) {
			return found
		}
		return m[1] + name + " " + m[3] + " " + m[4]
	})
}

// byMixduck reports whether mixduck started a program of this name.
func byMixduck(startedAs string) bool { return strings.HasPrefix(startedAs, name+" ") }

// Join adds the hidden command `manual DIRECTORY` to root. If mixduck started the program, its name is for example
// "mixduck worker", and help and errors show commands of mixduck.
func Join(root *cobra.Command, startedAs string) {
	if byMixduck(startedAs) {
		rename(root)
	}
	root.AddCommand(&cobra.Command{
		Use: "manual DIRECTORY", Short: "Write the manual pages", Hidden: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.Usage(c.CommandPath()+" DIRECTORY", "%s takes a directory", c.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			rename(root)
			return doc.GenManTree(root, &doc.GenManHeader{Source: "Mixduck " + buildinfo.Version(), Manual: "Mixduck"}, args[0])
		},
	})
}

var started = regexp.MustCompile(`(?m)^( +)(worker|enqueue|mp)\b`)

// rename shows root and all its subcommands as commands of mixduck.
func rename(root *cobra.Command) {
	if root.Annotations == nil {
		root.Annotations = map[string]string{}
	}
	root.Annotations[cobra.CommandDisplayNameAnnotation] = name + " " + root.Name()
	root.DisableAutoGenTag = true
	renameExamples(root)
}

func renameExamples(c *cobra.Command) {
	c.Example = started.ReplaceAllString(c.Example, "${1}"+name+" $2")
	c.Long = Spell(name+" ", c.Long)
	for _, sub := range c.Commands() {
		renameExamples(sub)
	}
}
