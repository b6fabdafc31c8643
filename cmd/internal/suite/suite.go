// Package suite makes a program one of those that `mixduck` starts: its commands are shown by the names that people type,
// and it can write its manual pages. It knows no command.
package suite

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"mixduck/internal/buildinfo"
	"mixduck/internal/fault"
)

const name = "mixduck"

// Join adds the hidden command `manual DIRECTORY` to root. If mixduck started the program, which then has a name such as
// "mixduck worker", help and errors show the commands as mixduck's.
func Join(root *cobra.Command, startedAs string) {
	if strings.HasPrefix(startedAs, name+" ") {
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

// rename shows root and all below it as commands of mixduck.
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
	for _, sub := range c.Commands() {
		renameExamples(sub)
	}
}
