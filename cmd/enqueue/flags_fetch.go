package main

import (
	"cmp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/jobs"
)

// fetchOptions are the flags that say what to fetch.
type fetchOptions struct {
	console.FetchFlags
	targetOptions
}

func (o *fetchOptions) add(c *cobra.Command) {
	flags := c.Flags()
	o.Add(flags)
	o.targetOptions.add(flags)
}

// request returns the job described by the flags and args, which can contain the table's name.
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
	if fetch.Database, err = o.find(cfg, fetch.Database); err != nil {
		return jobs.Request{}, err
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
	return o.targetOptions.request(cfg, fetch), nil
}
