package console

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/internal/wording"
)

// helpWidth is the maximum width of help on any terminal, because help is also read in pages and pipes.
const helpWidth = 80

// flagColumns is the width of the column of flag names. The description of a longer name starts on the next line.
const flagColumns = 26

// setHelp makes root and the commands below it print help in [helpWidth] columns.
func setHelp(root *cobra.Command) {
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { writeHelp(c.OutOrStdout(), c) })
	root.SetUsageFunc(func(c *cobra.Command) error {
		writeUsage(c.OutOrStderr(), c)
		return nil
	})
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Short, c.Long = "Show help for a command", "Show help for a command."
		}
	}
}

// writeHelp writes what a command does, then how to use it.
func writeHelp(w io.Writer, c *cobra.Command) {
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		fmt.Fprintf(w, "%s\n\n", strings.Join(wrap(paragraph, helpWidth), "\n"))
	}
	writeUsage(w, c)
}

func writeUsage(w io.Writer, c *cobra.Command) {
	c.InitDefaultHelpFlag()
	fmt.Fprintln(w, "Usage:")
	if c.Runnable() && !c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "  %s\n", c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "  %s COMMAND [flags]\n", c.CommandPath())
	}
	if c.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", c.Example)
	}
	writeCommands(w, c)
	writeFlags(w, "Flags", c.LocalFlags())
	writeFlags(w, "Global flags", c.InheritedFlags())
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\nRun '%s COMMAND --help' for more about a command.\n", c.CommandPath())
	}
}

func writeCommands(w io.Writer, c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	fmt.Fprintln(w, "\nCommands:")
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			fmt.Fprintf(w, "  %-*s %s\n", sub.NamePadding(), sub.Name(), sub.Short)
		}
	}
}

// writeFlags writes the flags of a set that are not hidden, under a heading.
func writeFlags(w io.Writer, heading string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", heading)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		left := "      --" + f.Name
		if f.Shorthand != "" {
			left = "  -" + f.Shorthand + ", --" + f.Name
		}
		if name != "" {
			left += " " + name
		}
		if f.Name == "help" {
			usage = "show help for " + f.Usage[len("help for "):]
		}
		if shown := defaultOf(f); shown != "" {
			usage += " (default " + shown + ")"
		}
		lines := wrap(usage, helpWidth-flagColumns-2)
		if len(left) > flagColumns {
			fmt.Fprintln(w, left)
			left = ""
		}
		for _, line := range lines {
			fmt.Fprintf(w, "%-*s  %s\n", flagColumns, left, line)
			left = ""
		}
	})
}

// defaultOf returns the default of a flag for help, "" for flags that are off or empty by default.
func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "0", "0s", "[]":
		return ""
	}
	return f.DefValue
}

// wrap breaks text between words into lines of at most width columns if possible.
func wrap(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case wording.Columns(line)+1+wording.Columns(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
