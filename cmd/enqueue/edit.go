package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/jobs"
)

// change is a command that changes a database by a job.
type change struct {
	use, short, example string
	arguments           int
	destroys            bool // a person has to confirm it
	edit                func(args []string) (jobs.Edit, error)
}

func (a *app) dropCommand() *cobra.Command {
	return a.changeCommand(change{
		use: "drop TABLE", short: "Delete a table with all that is known of it", arguments: 1, destroys: true,
		example: "  enqueue inspect drop signups --yes",
		edit:    func(args []string) (jobs.Edit, error) { return jobs.Edit{Action: jobs.ActionDrop, Table: args[0]}, nil },
	})
}

func (a *app) dropAllCommand() *cobra.Command {
	return a.changeCommand(change{
		use: "drop-all", short: "Delete all tables that fetches have filled", destroys: true,
		example: "  enqueue inspect drop-all --database eu/jan.db --yes",
		edit:    func([]string) (jobs.Edit, error) { return jobs.Edit{Action: jobs.ActionDropAll}, nil },
	})
}

func (a *app) changeCommand(ch change) *cobra.Command {
	var how waitOptions
	var yes, detach bool
	c := &cobra.Command{
		Use: ch.use, Short: ch.short, Example: ch.example,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != ch.arguments {
				return fault.Usage(console.HelpHint(c), "%s got %s", c.CommandPath(), console.Counted(int64(len(args)), "argument"))
			}
			return nil
		},
		PreRunE: func(c *cobra.Command, _ []string) error { return how.prepare(c, !detach) },
		RunE: func(c *cobra.Command, args []string) error {
			edit, err := ch.edit(args)
			if err != nil {
				return err
			}
			return a.withDatabase(c, func(cfg config.Config, q *jobs.Queue, database string) error {
				if edit.Database = database; ch.destroys && !yes {
					if err := a.confirm(c.Name(), args, database); err != nil {
						return err
					}
				}
				job, err := q.Submit(c.Context(), jobs.Request{Kind: jobs.KindEdit, Edit: edit, MaxAttempts: cfg.Jobs.MaxAttempts})
				if err != nil {
					return err
				}
				return a.submitted(c.Context(), q, job, !detach, &how)
			})
		},
	}
	how.add(c.Flags())
	c.Flags().BoolVar(&detach, "detach", false, "do not wait: print the job's id")
	if ch.destroys {
		c.Flags().BoolVar(&yes, "yes", false, "do not ask whether that is meant")
	}
	return c
}

// confirm asks a person at a terminal. Nobody else is asked.
func (a *app) confirm(name string, args []string, database string) error {
	what := strings.Join(append([]string{name}, args...), " ")
	if _, terminal := console.TerminalWidth(a.Process.Stdin); !terminal {
		return fault.Usage("add --yes", "%s deletes data of %s, and nobody is there to be asked", what, database)
	}
	fmt.Fprintf(a.Process.Stderr, "%s deletes data of %s. Type yes to go on: ", what, database)
	answer, err := bufio.NewReader(a.Process.Stdin).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return fault.New(fault.CodeFailed, "type yes, or give --yes", "nothing was deleted")
	}
	return nil
}
