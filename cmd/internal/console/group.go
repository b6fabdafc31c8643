package console

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mixduck/internal/fault"
	"mixduck/internal/wording"
)

// Group returns a command that only contains other commands.
func Group(use, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use: use, Short: short, SuggestionsMinimumDistance: 2, DisableFlagsInUseLine: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			return fault.Usage(HelpHint(c), "%s requires a command", c.CommandPath())
		},
	}
	group.AddCommand(commands...)
	return group
}

func unknownCommand(c *cobra.Command, name string) error {
	hint := HelpHint(c)
	if names := c.SuggestionsFor(name); len(names) > 0 {
		slices.Sort(names)
		hint = c.CommandPath() + " " + names[0]
	}
	return fault.Usage(hint, "%s has no command %q", c.CommandPath(), name)
}

// FlagError handles flags that cannot be parsed. After an unknown command, the command is the error.
func FlagError(c *cobra.Command, err error) error {
	if c.HasSubCommands() && c.Flags().NArg() > 0 {
		return unknownCommand(c, c.Flags().Arg(0))
	}
	return fault.Usage(HelpHint(c), "%w", err)
}

// HelpHint refers to the help of a command.
func HelpHint(c *cobra.Command) string { return c.CommandPath() + " --help" }

// Arguments rejects any number of arguments except n.
func Arguments(c *cobra.Command, args []string, n int) error {
	if len(args) != n {
		return fault.Usage(strings.TrimSuffix(c.UseLine(), " [flags]"), "%s got %s", c.CommandPath(), wording.Counted(int64(len(args)), "argument"))
	}
	return nil
}

// NoArguments rejects all arguments.
func NoArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fault.Usage(HelpHint(c), "%s takes no argument, but got %q", c.CommandPath(), args[0])
	}
	return nil
}
