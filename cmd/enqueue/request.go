package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/cmd/internal/queue"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/fault"
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
	flags.StringVar(&o.database, "database", "", "`name` of the database file, in the data directory or as volume/file (default main/<project id>.db)")
	flags.StringVar(&o.project, "project", "", "Mixpanel project `id` (MP_PROJECT_ID)")
	o.ifBusy = &console.Choice{Value: string(jobs.IfBusyQueue), Allowed: []string{
		string(jobs.IfBusyQueue), string(jobs.IfBusyFail), string(jobs.IfBusyJoin),
	}}
	flags.Var(o.ifBusy, "if-busy", "what to do if there are other jobs for the database: wait in line, fail if one writes to it, or take one that covers the days")
	o.priority = &console.Choice{Value: string(jobs.PriorityDefault), Allowed: []string{
		string(jobs.PriorityHigh), string(jobs.PriorityDefault), string(jobs.PriorityLow),
	}}
	flags.Var(o.priority, "priority", "which databases' jobs busy workers take first; those of one database keep their order")
	config.Flags(flags, "jobs.max_attempts")
}

// request returns the job that the flags and args, which may hold the table's name, ask for.
func (o *fetchOptions) request(args []string, cfg config.Config, today day.Day) (jobs.Request, error) {
	fetch := jobs.Fetch{Table: "events", Where: o.Where, Force: o.Force, Promote: o.Promote}
	if len(args) > 0 {
		fetch.Table = args[0]
	}
	mode, err := o.Mode()
	if err != nil {
		return jobs.Request{}, err
	}
	fetch.Mode = jobs.Mode(mode)
	if fetch.Days, err = o.Days(today); err != nil {
		return jobs.Request{}, err
	}
	if fetch.Project, err = o.projectID(cfg); err != nil {
		return jobs.Request{}, err
	}
	if o.database == "" {
		o.database = jobs.DefaultVolume + "/" + fetch.Project + ".db"
	}
	if fetch.Database, err = queue.FindDatabase(cfg, o.database, nil); err != nil {
		return jobs.Request{}, err
	}
	if fetch.Events, err = o.Events(); err != nil {
		return jobs.Request{}, err
	}
	if err := fetch.Validate(); err != nil {
		return jobs.Request{}, err
	}
	return jobs.Request{
		Fetch: fetch, Priority: jobs.Priority(o.priority.Value), MaxAttempts: cfg.Jobs.MaxAttempts, IfBusy: jobs.IfBusy(o.ifBusy.Value),
	}, nil
}

func (o *fetchOptions) projectID(cfg config.Config) (string, error) {
	if o.project == "" {
		if cfg.Fallback.ID == 0 {
			return "", fault.Usage("set MP_PROJECT_ID, or give --project", "no project to fetch from")
		}
		return strconv.FormatInt(cfg.Fallback.ID, 10), nil
	}
	id, err := strconv.ParseInt(o.project, 10, 64)
	if err != nil || id <= 0 {
		return "", fault.Usage("the id is the number in the project's settings", "--project: %q is no project id", o.project)
	}
	return strconv.FormatInt(id, 10), nil
}
