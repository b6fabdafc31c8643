package main

import (
	"cmp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/jobs"
)

// fetchOptions are the flags that say what to fetch.
type fetchOptions struct {
	console.FetchFlags
	database string
	project  string
	ifBusy   *console.Choice
	priority *console.Choice
}

func (o *fetchOptions) add(c *cobra.Command) {
	flags := c.Flags()
	o.Add(flags)
	flags.StringVar(&o.database, "database", "", databaseUsage)
	flags.StringVar(&o.project, "project", "", projectUsage)
	o.ifBusy = &console.Choice{Value: string(jobs.IfBusyQueue), Allowed: []string{
		string(jobs.IfBusyQueue), string(jobs.IfBusyFail), string(jobs.IfBusyJoin),
	}}
	flags.Var(o.ifBusy, "if-busy", "what to do if the database has other jobs: queue behind them, fail if one has its turn, or join one that covers the days")
	o.priority = &console.Choice{Value: string(jobs.PriorityDefault), Allowed: []string{
		string(jobs.PriorityHigh), string(jobs.PriorityDefault), string(jobs.PriorityLow),
	}}
	flags.Var(o.priority, "priority", "priority among jobs of different databases; jobs of one database keep their order")
	config.Flags(flags, "jobs.max_attempts")
}

// request returns the job that the flags and args, which may hold the table's name, ask for.
func (o *fetchOptions) request(args []string, cfg config.Config, p config.Project, now time.Time) (jobs.Request, error) {
	fetch := jobs.Fetch{Project: strconv.FormatInt(p.ID, 10), Database: p.Database, Table: "events", Force: o.Force, Adopt: o.Adopt}
	if len(args) > 0 {
		fetch.Table = args[0]
	}
	table := p.Table(fetch.Table)
	fetch.Where, fetch.Promote = cmp.Or(o.Where, table.Where), cmp.Or(o.Promote, table.Promote)
	mode, err := o.Mode()
	if err != nil {
		return jobs.Request{}, err
	}
	fetch.Mode = jobs.Mode(mode)
	if fetch.Days, err = o.Days(day.Of(now.In(p.Location))); err != nil {
		return jobs.Request{}, err
	}
	if fetch.LateSince, err = o.LateSince(now.In(p.Location)); err != nil {
		return jobs.Request{}, err
	}
	if o.database != "" {
		if fetch.Database, err = connect.FindDatabase(cfg, o.database, nil); err != nil {
			return jobs.Request{}, err
		}
	}
	if fetch.Events, err = o.Events(); err != nil {
		return jobs.Request{}, err
	}
	if len(fetch.Events) == 0 {
		fetch.Events = table.Events
	}
	if err := fetch.Validate(); err != nil {
		return jobs.Request{}, err
	}
	return jobs.Request{
		Fetch: fetch, Priority: jobs.Priority(o.priority.Value), MaxAttempts: cfg.Jobs.MaxAttempts, IfBusy: jobs.IfBusy(o.ifBusy.Value),
	}, nil
}
