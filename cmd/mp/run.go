package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/buildinfo"
	"mixduck/internal/cli"
	"mixduck/storage"
	"mixduck/storage/query"
)

const rootLong = `Fetch Mixpanel events into a DuckDB file and query them, without a queue.

The file is ~/.mp/data/<project id>.db, or the one given with --path. Only one
process can write to it: a fetch keeps it locked until the fetch ends. Commands
that read can share it.

Exit codes: 0 done, 1 failed or locked, 2 credentials, 3 usage, 4 not found,
5 rate limited, 130 interrupted.`

const rootExample = `  mp fetch events --from 2025-01-01 --to 2025-01-31
  mp query "SELECT event_name, count(*) FROM events GROUP BY ALL"
  mp inspect tables`

// app is what all commands share.
type app struct{ *console.App }

// queryChild is the command with which mp starts itself for each query. It is not for people.
const queryChild = "query-child"

// run executes the command line of p and returns the exit code.
func run(ctx context.Context, p *cli.Process) int {
	if slices.Equal(p.Args, []string{queryChild}) {
		return query.Child(ctx, p.Stdin, p.Stdout, p.Stderr)
	}
	a := &app{&console.App{Process: p, Now: time.Now, Explain: explain}}
	return a.Run(ctx, a.rootCommand())
}

func (a *app) rootCommand() *cobra.Command {
	root := console.Group("mp", "Fetch Mixpanel events into a DuckDB file and query them",
		a.checkCommand(), a.fetchCommand(), a.queryCommand(), a.QuestionsCommand("mp"), a.inspectCommand(), a.askCommand(), a.verifyCommand(), a.mcpCommand(), a.versionCommand())
	root.Long, root.Example = rootLong, rootExample
	config.Flags(root.PersistentFlags(), "config", "data_dir")
	root.PersistentFlags().String("project", "", "project `name` or id (default: MP_PROJECT_ID, or the only project)")
	return root
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  mp version", Args: console.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			return a.PrintLine(fmt.Sprintf("mp %s %s", buildinfo.Version(), runtime.Version()))
		},
	}
}

// explain returns a text in whole lines about what prevents opening a database, the most common error of commands that
// work on a file.
func explain(err error) (text string, ok bool) {
	if locked, ok := errors.AsType[*storage.LockedError](err); ok {
		text = "Database locked: " + locked.Path + "\n"
		if locked.PID > 0 {
			text += fmt.Sprintf("Held by PID: %d\n", locked.PID)
		}
		return text + "Another mp command may be running. Try again shortly.\n", true
	}
	if missing, ok := errors.AsType[*storage.NotFoundError](err); ok {
		return "No data yet: " + missing.Path + "\nRun 'mp fetch events' or 'mp fetch profiles' to create the database.\n", true
	}
	return "", false
}
