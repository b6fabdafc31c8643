package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

const profilesLong = `Fetch profiles and store them in a table ("profiles" by default).
The table then holds exactly the profiles that Mixpanel has: the job adds,
updates and removes rows in one step, and counts them.

With --since, only profiles that changed after this time are fetched. This is
faster, but deleted profiles stay: run a full refresh now and then.

--stdout prints one JSON object per line instead. A worker fetches the profiles,
opens no database and waits for no other job.`

const profilesExample = `  enqueue fetch profiles --wait
  enqueue fetch profiles --since 2d --wait
  enqueue fetch profiles members --cohort 12345
  enqueue fetch profiles companies --group 8472927347
  enqueue fetch profiles --where 'properties["plan"] == "pro"' --stdout`

const allLong = `Fetch every stream that the project's plan allows, one after the other: events
of a date range, profiles, cohorts and their members, annotations, funnels,
Lexicon and saved reports. Each has its own table. The job says which ones the plan lacks.`

// streamOptions are the flags that say what to fetch from a stream other than events.
type streamOptions struct {
	info     stream.Info
	days     console.DayFlags
	profiles console.ProfileFlags
	reports  []int64
	adopt    bool
	force    bool
	stdout   bool
	raw      bool
	target   targetOptions
}

func (o *streamOptions) add(c *cobra.Command) {
	flags := c.Flags()
	if o.info.Days {
		o.days.Add(flags)
	}
	if o.info.Some {
		o.profiles.Add(flags)
		flags.BoolVar(&o.stdout, "stdout", false, "write profiles to stdout as JSON lines; open no database")
		flags.BoolVar(&o.raw, "raw", false, "with --stdout: write the profiles as Mixpanel sent them")
	}
	if o.info.ByID {
		console.AddReportIDs(flags, &o.reports, console.ReportIDUsage)
	}
	flags.BoolVar(&o.force, "force", false, "let an empty answer of Mixpanel empty the table")
	flags.BoolVar(&o.adopt, "adopt", false, console.AdoptUsage)
	o.target.add(flags)
}

// request returns the job described by the flags and args, which can contain the table's name.
func (o *streamOptions) request(args []string, cfg config.Config, p config.Project, now time.Time) (jobs.Request, error) {
	f := jobs.Fetch{
		Project: strconv.FormatInt(p.ID, 10), Database: p.Database, Table: o.info.Table, Stream: o.info.Name, Mode: jobs.ModeFull, Adopt: o.adopt, Force: o.force,
		ReportIDs: o.reports,
	}
	if len(args) > 0 {
		f.Table = args[0]
	}
	if o.info.Name == stream.All {
		table := p.Table(f.Table) // of the events
		f.Events, f.Where, f.Promote = table.Events, table.Where, table.Promote
	}
	local := now.In(p.Location)
	if o.info.Days {
		var err error
		if f.Days, err = o.days.Days(day.Of(local)); err != nil {
			return jobs.Request{}, err
		}
	}
	if o.info.Some {
		if err := o.profiles.Check(local); err != nil {
			return jobs.Request{}, err
		}
		filter := o.profiles.Filter
		f.Where, filter.Where = filter.Where, "" // as in fetches of events
		f.History = o.profiles.History
		if !filter.IsZero() {
			f.Profiles = &filter
		}
		if o.profiles.Group != "" && len(args) == 0 {
			f.Table = stream.GroupTable(o.profiles.Group)
		}
		if f.Since = o.profiles.Since; !f.Since.IsZero() {
			f.Mode = jobs.ModeIncremental
		}
	}
	var err error
	if f.Database, err = o.target.find(cfg, f.Database); err != nil {
		return jobs.Request{}, err
	}
	if err := f.Validate(); err != nil {
		return jobs.Request{}, err
	}
	return o.target.request(cfg, f), nil
}

// fetchStreamCommand returns the command that fetches a stream other than events.
func (a *app) fetchStreamCommand(info stream.Info) *cobra.Command {
	what := streamOptions{info: info}
	var how waitOptions
	var wait bool
	c := &cobra.Command{
		Use: info.Name + " [TABLE]", Short: "Fetch " + info.Short,
		Long:    fmt.Sprintf("Fetch %s and store them in a table (%q by default).\nThe table then holds exactly what Mixpanel has.", info.Short, info.Table),
		Example: "  enqueue fetch " + info.Name + " --wait",
		Args:    func(c *cobra.Command, args []string) error { return console.OneTable(c.CommandPath(), args) },
		PreRunE: func(c *cobra.Command, _ []string) error {
			return how.prepare(c, wait)
		},
	}
	switch info.Name {
	case stream.Profiles:
		c.Long, c.Example = profilesLong, profilesExample
	case stream.Reports:
		c.Long, c.Example = c.Long+console.ReportIDLong, c.Example+"\n  enqueue fetch reports --report-id 123 --report-id 456 --wait"
	case stream.All:
		c.Use, c.Long, c.Args = info.Name, allLong, console.NoArguments
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if what.stdout || what.raw {
			return a.printProfiles(c, args, &what, how.quiet)
		}
		return a.fetch(c, what.target.project, &how, wait, func(cfg config.Config, p config.Project) (jobs.Request, error) {
			return what.request(args, cfg, p, a.Now())
		}, what.target.database)
	}
	what.add(c)
	c.Flags().BoolVar(&wait, "wait", false, "wait for the job and print its result")
	how.add(c.Flags())
	return c
}

// fetch submits the job that request makes for a project.
func (a *app) fetch(c *cobra.Command, project string, how *waitOptions, wait bool, request func(config.Config, config.Project) (jobs.Request, error), database string) error {
	cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
	if err != nil {
		return err
	}
	p, known, err := connect.FindProject(cfg, project)
	if err == nil && known { // invalid requests need no queue
		_, err = request(cfg, p)
	}
	if err != nil {
		return err
	}
	return connect.With(c.Context(), cfg, func(q *queue.Queue) error {
		p, err := connect.Project(c.Context(), q, cfg, project)
		if err != nil {
			return err
		}
		r, err := request(cfg, p)
		if err != nil {
			return err
		}
		if database != "" {
			if r.Fetch.Database, err = connect.Database(c.Context(), q, cfg, database); err != nil {
				return err
			}
		}
		if !how.quiet {
			a.echo(r.Fetch, p)
		}
		return a.submit(c.Context(), q, r, wait, how)
	})
}

// targetOptions are the flags of all fetches for destination and urgency.
type targetOptions struct {
	database string
	project  string
	ifBusy   *console.Choice
	priority *console.Choice
}

func (o *targetOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.database, "database", "", databaseUsage)
	flags.StringVar(&o.project, "project", "", projectUsage)
	o.ifBusy = &console.Choice{Value: string(jobs.IfBusyQueue), Allowed: []string{
		string(jobs.IfBusyQueue), string(jobs.IfBusyFail), string(jobs.IfBusyJoin),
	}}
	flags.Var(o.ifBusy, "if-busy", "what to do if the database has other jobs: queue behind them, fail if one has its turn, or join one that does the same")
	o.priority = &console.Choice{Value: string(jobs.PriorityDefault), Allowed: []string{
		string(jobs.PriorityHigh), string(jobs.PriorityDefault), string(jobs.PriorityLow),
	}}
	flags.Var(o.priority, "priority", "priority among jobs of different databases; jobs of one database keep their order")
	config.Flags(flags, "jobs.max_attempts")
}

// find returns the given database, or that of the project.
func (o *targetOptions) find(cfg config.Config, database string) (string, error) {
	if o.database == "" {
		return database, nil
	}
	return connect.FindDatabase(cfg, o.database, nil)
}

func (o *targetOptions) request(cfg config.Config, f jobs.Fetch) jobs.Request {
	return jobs.Request{
		Fetch: f, Priority: jobs.Priority(o.priority.Value), MaxAttempts: cfg.Jobs.MaxAttempts, IfBusy: jobs.IfBusy(o.ifBusy.Value),
	}
}
