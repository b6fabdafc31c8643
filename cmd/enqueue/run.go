package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mixduck/config"
	"mixduck/internal/cli"
	"mixduck/internal/fault"
)

const rootLong = `enqueue asks the workers of a data directory for work, and says how it stands.

The queue is found through the data directory, in which a worker must be running,
or through the URL of a Redis. Flags beat the environment.

Exit codes: 0 done, 1 failed, 2 credentials, 3 usage, 4 not found, 5 rate limited,
6 waited too long, 130 interrupted. A job goes on when its waiting ends.`

const rootExample = `  enqueue fetch events --from 2025-01-01 --to 2025-12-31 --wait
  enqueue jobs list --state failed
  enqueue jobs wait 01KAMG2M7E6Y4T0Q0N8Z5R3V9C --format json`

// app is what all commands share.
type app struct {
	process *cli.Process
	now     func() time.Time
}

// run carries out the command line of p and returns the exit code.
func run(ctx context.Context, p *cli.Process) int {
	a := &app{process: p, now: time.Now}
	root := a.rootCommand()
	root.SetArgs(append([]string{}, p.Args...)) // nil would mean the arguments of the process
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil && fault.CodeOf(err) == fault.CodeFailed {
		err = fault.New(fault.CodeInterrupted, "", "interrupted: %w", err)
	}
	return cli.Fail(p.Stderr, err)
}

func (a *app) rootCommand() *cobra.Command {
	root := groupCommand("enqueue", "Ask for fetches, and follow them", a.fetchCommand(), a.jobsCommand(),
		a.lanesCommand(), a.budgetCommand(), a.versionCommand())
	root.Long, root.Example = rootLong, rootExample
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	config.Flags(root.PersistentFlags(), "data_dir", "volumes", "redis.url")
	return root
}

// groupCommand returns a command that only holds others.
func groupCommand(use, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use: use, Short: short, SuggestionsMinimumDistance: 2, DisableFlagsInUseLine: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			return fault.Usage(helpHint(c), "%s needs a command", c.CommandPath())
		},
	}
	group.AddCommand(commands...)
	return group
}

func unknownCommand(c *cobra.Command, name string) error {
	hint := helpHint(c)
	if names := c.SuggestionsFor(name); len(names) > 0 {
		slices.Sort(names)
		hint = c.CommandPath() + " " + names[0]
	}
	return fault.Usage(hint, "%s has no command %q", c.CommandPath(), name)
}

// flagError is called for flags that cannot be parsed. Those behind an unknown command are not to blame.
func flagError(c *cobra.Command, err error) error {
	if c.HasSubCommands() && c.Flags().NArg() > 0 {
		return unknownCommand(c, c.Flags().Arg(0))
	}
	return fault.Usage(helpHint(c), "%w", err)
}

func helpHint(c *cobra.Command) string { return c.CommandPath() + " --help" }

// noArguments refuses all.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fault.Usage(helpHint(c), "%s takes no argument, but got %q", c.CommandPath(), args[0])
	}
	return nil
}

// oneJob takes the id of a job.
func oneJob(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return fault.Usage("enqueue jobs list shows the ids", "%s needs the id of a job", c.CommandPath())
	case len(args) > 1:
		return fault.Usage(helpHint(c), "%s takes one job, but got %q as well", c.CommandPath(), args[1])
	}
	return nil
}
