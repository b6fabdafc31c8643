package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
)

// fetchOptions are the flags that say what to fetch.
type fetchOptions struct {
	from, to                       string
	events                         []string
	where                          string
	database                       string
	project                        string
	appending, replacing, creating bool
	force                          bool
	ifBusy                         *console.Choice
	priority                       *console.Choice
}

func (o *fetchOptions) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&o.from, "from", "", "first `day`: yyyy-mm-dd, yyyy-mm, today, yesterday or 7d (required)")
	flags.StringVar(&o.to, "to", "", "last `day`, included (default yesterday)")
	flags.StringSliceVar(&o.events, "events", nil, "only events of these `names`, separated by commas; may be repeated")
	flags.StringVar(&o.where, "where", "", "only events for which this Mixpanel `expression` is true")
	flags.StringVar(&o.database, "database", "", "`name` of the database file, in the data directory or as volume/file (default main/<project id>.db)")
	flags.StringVar(&o.project, "project", "", "Mixpanel project `id` (MP_PROJECT_ID)")
	flags.BoolVar(&o.appending, "append", false, "add what is missing, delete nothing")
	flags.BoolVar(&o.replacing, "replace", false, "fill a new table, which takes the place of the old one when it is complete")
	flags.BoolVar(&o.creating, "create", false, "fail if the table exists")
	flags.BoolVar(&o.force, "force", false, "replace a day even by one with far fewer events")
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
func (o *fetchOptions) request(c *cobra.Command, args []string, cfg config.Config, today day.Day) (jobs.Request, error) {
	fetch := jobs.Fetch{Table: "events", Where: o.where, Force: o.force}
	if len(args) > 0 {
		fetch.Table = args[0]
	}
	var err error
	if fetch.Mode, err = o.mode(); err != nil {
		return jobs.Request{}, err
	}
	if fetch.Days, err = console.ParseDays(o.from, o.to, today); err != nil {
		return jobs.Request{}, err
	}
	if fetch.Project, err = o.projectID(cfg); err != nil {
		return jobs.Request{}, err
	}
	if o.database == "" {
		o.database = jobs.DefaultVolume + "/" + fetch.Project + ".db"
	}
	if fetch.Database, err = findDatabase(cfg, o.database, nil); err != nil {
		return jobs.Request{}, err
	}
	if c.Flags().Changed("events") && len(o.events) == 0 {
		return jobs.Request{}, fault.Usage("leave --events out to fetch all events", "--events is empty")
	}
	for _, name := range o.events {
		fetch.Events = append(fetch.Events, strings.TrimSpace(name))
	}
	if err := fetch.Validate(); err != nil {
		return jobs.Request{}, err
	}
	return jobs.Request{
		Fetch: fetch, Priority: jobs.Priority(o.priority.Value), MaxAttempts: cfg.Jobs.MaxAttempts, IfBusy: jobs.IfBusy(o.ifBusy.Value),
	}, nil
}

func (o *fetchOptions) mode() (jobs.Mode, error) {
	mode, given := jobs.ModeSync, 0
	for _, flag := range []struct {
		given bool
		mode  jobs.Mode
	}{{o.appending, jobs.ModeAppend}, {o.replacing, jobs.ModeReplace}, {o.creating, jobs.ModeCreate}} {
		if flag.given {
			mode = flag.mode
			given++
		}
	}
	if given > 1 {
		return "", fault.Usage("give one of them, or none to replace just the days asked", "--append, --replace and --create exclude each other")
	}
	return mode, nil
}

func (o *fetchOptions) projectID(cfg config.Config) (string, error) {
	if o.project == "" {
		if cfg.Project.ID == 0 {
			return "", fault.Usage("set MP_PROJECT_ID, or give --project", "no project to fetch from")
		}
		return strconv.FormatInt(cfg.Project.ID, 10), nil
	}
	id, err := strconv.ParseInt(o.project, 10, 64)
	if err != nil || id <= 0 {
		return "", fault.Usage("the id is the number in the project's settings", "--project: %q is no project id", o.project)
	}
	return strconv.FormatInt(id, 10), nil
}
