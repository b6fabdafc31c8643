package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

const queryExample = `  enqueue query "SELECT event_name, count(*) FROM events GROUP BY ALL"
  enqueue query "FROM events WHERE properties->>'plan' = $p" --param p=pro
  enqueue query --question trend --param from=2026-01-01 --param to=2026-01-31
  enqueue query --file report.sql --format parquet --output report.parquet`

const inspectExample = `  enqueue inspect tables
  enqueue inspect properties
  enqueue inspect coverage events
  enqueue inspect column events '$city' --database eu/jan.db`

func (a *app) queryCommand() *cobra.Command {
	c := a.QueryCommand(queryExample, a.withReader, func(flags *pflag.FlagSet) {
		addDatabase(flags)
		addDetach(flags)
	})
	c.AddCommand(a.KnownQuestions("query", "enqueue", a.withAsker, addAsk)...)
	return c
}

func (a *app) inspectCommand() *cobra.Command {
	known := slices.DeleteFunc(a.KnownQuestions("inspect", "enqueue", a.withAsker, addAsk), func(c *cobra.Command) bool {
		return c.Name() == "properties" // it shows the catalogue
	})
	known = append(known, a.dropCommand(), a.dropAllCommand())
	return a.InspectCommand(inspectExample, a.withReader, addDatabase, known...)
}

const (
	databaseUsage = "database `name`, as file or volume/file (default: the project's)"
	projectUsage  = "project `name` or id (default: MP_PROJECT_ID, or the only project)"
)

func addDatabase(flags *pflag.FlagSet) {
	flags.String("database", "", databaseUsage)
	flags.String("project", "", projectUsage)
}

// withReader implements [console.WithReader].
func (a *app) withReader(c *cobra.Command, use func(console.Reader) error) error {
	return a.withDatabase(c, func(cfg config.Config, q *queue.Queue, database string) error {
		detach := c.Flag("detach")
		return use(&reader{
			app: a, cfg: cfg, queue: q, database: database, byProject: !c.Flags().Changed("database"), named: c.Flag("project").Value.String(),
			detach: detach != nil && detach.Changed,
		})
	})
}

// withDatabase calls use with the queue and the full name of the database from the flags of c or the settings.
func (a *app) withDatabase(c *cobra.Command, use func(config.Config, *queue.Queue, string) error) error {
	typed, err := c.Flags().GetString("database")
	if err != nil {
		return err
	}
	project, err := c.Flags().GetString("project")
	if err != nil {
		return err
	}
	return a.withNamed(c, typed, project, use)
}

// withNamed calls use with the queue, and the full name of the database typed, or that of the project if typed is "".
func (a *app) withNamed(c *cobra.Command, typed, project string, use func(config.Config, *queue.Queue, string) error) error {
	cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
	if err != nil {
		return err
	}
	if typed == "" {
		_, _, err = connect.FindProject(cfg, project)
	} else {
		_, err = connect.FindDatabase(cfg, typed, nil)
	}
	if err != nil {
		return err
	}
	return connect.With(c.Context(), cfg, func(q *queue.Queue) error {
		if typed == "" {
			p, err := connect.Project(c.Context(), q, cfg, project)
			if err != nil {
				return err
			}
			return use(cfg, q, p.Database)
		}
		name, err := connect.Database(c.Context(), q, cfg, typed)
		if err != nil {
			return err
		}
		return use(cfg, q, name)
	})
}

const resultExample = `  enqueue jobs result 01KAMG2M7E6Y4T0Q0N8Z5R3V9C
  enqueue jobs result 01KAMG2M7E6Y4T0Q0N8Z5R3V9C --output rows.csv`

// resultCommand shows the result of a query submitted with --detach.
func (a *app) resultCommand() *cobra.Command {
	var f console.ResultFlags
	c := &cobra.Command{
		Use: "result ID", Short: "Print the result of a query", Example: resultExample, Args: oneJob,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
			if err != nil {
				return err
			}
			return connect.With(c.Context(), cfg, func(q *queue.Queue) error {
				job, err := q.Job(c.Context(), args[0])
				if err != nil {
					return err
				}
				if err := withoutResult(job); err != nil {
					return err
				}
				if err := checkFormat(c, &f, job); err != nil {
					return err
				}
				if err := f.Check(a.Process.Stdout); err != nil {
					return err
				}
				answer, err := (&reader{app: a, cfg: cfg, queue: q}).open(c.Context(), job)
				if err != nil {
					return err
				}
				return a.Show(answer, &f)
			})
		},
	}
	f.AddOutput(c.Flags())
	c.ValidArgsFunction = a.completeJobs(1, func(job jobs.Record) bool { return job.Kind == jobs.KindQuery && job.State == jobs.StateDone })
	return c
}

// withoutResult returns why a job has no rows to show, or nil if it may have some.
func withoutResult(job jobs.Record) error {
	switch {
	case job.Kind != jobs.KindQuery:
		return fault.New(fault.CodeNotFound, "enqueue jobs show "+job.ID, "job %s is not a query and has no rows", job.ID)
	case !job.State.Final():
		return fault.New(fault.CodeNotFound, "enqueue jobs wait "+job.ID+", then again", "job %s has no result yet: it is %s", job.ID, job.State)
	}
	return failureOfQuery(job)
}

// checkFormat sets the format to that of the stored rows. Only rows for a table can be shown in two formats.
func checkFormat(c *cobra.Command, f *console.ResultFlags, job jobs.Record) error {
	stored := string(job.Query.Format)
	if stored == console.Rows {
		if v := f.Format.Value; v != console.FormatTable && v != console.FormatPlain {
			return fault.Usage("omit --format, or run the query again with it", "the result was stored as a table, not as %s", v)
		}
		return nil
	}
	if c.Flags().Changed("format") && f.Format.Value != stored {
		return fault.Usage("omit --format, or run the query again with it", "the result was stored as %s, not as %s", stored, f.Format.Value)
	}
	f.Format.Value = stored
	return nil
}
