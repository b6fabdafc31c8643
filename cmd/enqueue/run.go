package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/buildinfo"
	"mixduck/internal/cli"
	"mixduck/internal/fault"
	"mixduck/jobs/queue"
)

const rootLong = `Submit jobs to Mixduck's workers, follow them, and query the data.

enqueue finds the queue in the data directory of a running worker, or at a Redis
URL. Flags override environment variables.

Exit codes: 0 done, 1 failed, 2 credentials, 3 usage, 4 not found,
5 rate limited, 6 timeout while waiting, 130 interrupted. A job continues when
you stop waiting for it.`

const rootExample = `  enqueue fetch events --from 2025-01-01 --to 2025-12-31 --wait
  enqueue query "SELECT event_name, count(*) FROM events GROUP BY ALL"
  enqueue jobs list --state failed
  enqueue jobs wait 01KAMG2M7E6Y4T0Q0N8Z5R3V9C --format json`

// app is what all commands share.
type app struct{ *console.App }

// run executes the command line of p and returns the exit code.
func run(ctx context.Context, p *cli.Process) int {
	a := &app{&console.App{Process: p, Now: time.Now}}
	return a.Run(ctx, a.rootCommand())
}

func (a *app) rootCommand() *cobra.Command {
	root := console.Group("enqueue", "Submit jobs, follow them, and query the data", a.fetchCommand(), a.queryCommand(), a.questionsCommand(), a.inspectCommand(), a.askCommand(), a.verifyCommand(), a.promoteCommand(), a.modelCommand(), a.snapshotCommand(), a.publishCommand(), a.jobsCommand(),
		a.statusCommand(), a.coverageCommand(), a.checkCommand(), a.schedulesCommand(), a.lanesCommand(), a.workersCommand(), a.budgetCommand(), a.uiCommand(), a.versionCommand())
	root.Long, root.Example = rootLong, rootExample
	config.Flags(root.PersistentFlags(), "config", "data_dir", "volumes", "redis.url", "redis.ca_file")
	return root
}

// withQueue calls use with the queue from the settings of a command.
func (a *app) withQueue(c *cobra.Command, use func(q *queue.Queue) error) error {
	cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
	if err != nil {
		return err
	}
	return connect.With(c.Context(), cfg, use)
}

// oneJob takes the id of a job.
func oneJob(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return fault.Usage("enqueue jobs list shows the ids", "%s requires a job id", c.CommandPath())
	case len(args) > 1:
		return fault.Usage(console.HelpHint(c), "%s takes one job, but got %q as well", c.CommandPath(), args[1])
	}
	return nil
}

// someJobs takes the ids of jobs.
func someJobs(c *cobra.Command, args []string) error { return oneJob(c, args[:min(1, len(args))]) }

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  enqueue version", Args: console.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			return a.PrintLine(fmt.Sprintf("enqueue %s %s", buildinfo.Version(), runtime.Version()))
		},
	}
}
