package main

import (
	"strings"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// change is a command that submits an edit of a database.
type change struct {
	use, short, example string
	arguments           int
	destroys            bool // needs confirmation
	edit                func(args []string) (jobs.Edit, error)
}

func (a *app) dropCommand() *cobra.Command {
	return a.changeCommand(change{
		use: "drop TABLE", short: "Delete a table and its metadata", arguments: 1, destroys: true,
		example: "  enqueue inspect drop signups --yes",
		edit:    func(args []string) (jobs.Edit, error) { return jobs.Edit{Action: jobs.ActionDrop, Table: args[0]}, nil },
	})
}

func (a *app) dropAllCommand() *cobra.Command {
	return a.changeCommand(change{
		use: "drop-all", short: "Delete all fetched tables", destroys: true,
		example: "  enqueue inspect drop-all --database eu/jan.db --yes",
		edit:    func([]string) (jobs.Edit, error) { return jobs.Edit{Action: jobs.ActionDropAll}, nil },
	})
}

const promoteExample = `  enqueue promote events plan,amount:DOUBLE
  enqueue promote events '$city,"a,b":BIGINT' --database eu/jan.db
  enqueue promote events signup_at --refill`

const promoteLong = `Copy properties into typed columns. Existing rows are filled now, new rows by each
fetch. Filters on a column are many times faster than on JSON, and the JSON stays
unchanged. Types: VARCHAR (default), BIGINT, DOUBLE, BOOLEAN, TIMESTAMP, DATE.

--refill recomputes existing columns from the JSON, all of them if you name none, and
reports how many rows changed. It works day by day and lets queries in between. If it is
interrupted, run it again to continue.`

func (a *app) promoteCommand() *cobra.Command {
	var refill bool
	c := a.changeCommand(change{
		use: "promote TABLE PROPERTIES", short: "Copy properties into typed columns", arguments: 2, example: promoteExample,
		edit: func(args []string) (jobs.Edit, error) {
			edit := jobs.Edit{Action: jobs.ActionPromote, Table: args[0]}
			if refill {
				edit.Action = jobs.ActionRefill
			}
			if len(args) > 1 {
				edit.Promote = args[1]
			}
			return edit, nil
		},
	})
	exact := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		if refill && len(args) == 1 {
			return nil
		}
		return exact(c, args)
	}
	c.Long = promoteLong
	c.Flags().BoolVar(&refill, "refill", false, "recompute existing columns from the JSON")
	return c
}

const modelLong = `Create the schema model: a view for each event, and one for each table of profiles, with a
typed column for each property. Later runs add views and columns. They never change a
column, so queries keep working: values that do not fit a column are NULL in it, and the
job says which columns are too narrow.

With model: true in the settings of a project, each fetch does this.`

func (a *app) modelCommand() *cobra.Command {
	var force bool
	c := a.changeCommand(change{
		use: "model", short: "Create typed views of events and profiles", example: "  enqueue model\n  enqueue model --database eu/jan.db --force",
		edit: func([]string) (jobs.Edit, error) { return jobs.Edit{Action: jobs.ActionModel, Force: force}, nil },
	})
	c.Long = modelLong
	c.Flags().BoolVar(&force, "force", false, "give wider types to columns that are too narrow")
	return c
}

func (a *app) changeCommand(ch change) *cobra.Command {
	var how waitOptions
	var yes, detach bool
	c := &cobra.Command{
		Use: ch.use, Short: ch.short, Example: ch.example,
		Args: func(c *cobra.Command, args []string) error {
			return console.Arguments(c, args, ch.arguments)
		},
		PreRunE: func(c *cobra.Command, _ []string) error { return how.prepare(c, !detach) },
		RunE: func(c *cobra.Command, args []string) error {
			edit, err := ch.edit(args)
			if err != nil {
				return err
			}
			return a.withDatabase(c, func(cfg config.Config, q *queue.Queue, database string) error {
				if edit.Database = database; ch.destroys && !yes {
					if err := a.Confirm(c.Context(), strings.Join(append([]string{c.Name()}, args...), " "), database); err != nil {
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
	addDatabase(c.Flags())
	c.Flags().BoolVar(&detach, "detach", false, "print the job id and do not wait")
	if ch.destroys {
		c.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	}
	return c
}
