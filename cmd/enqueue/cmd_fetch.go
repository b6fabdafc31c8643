package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/status"
)

const fetchLong = `Fetch the events of a date range and store them in a table ("events" by default).
The command prints the id of the job that does the work.

Dates are in the project's time zone. --from is required; --to is yesterday by
default. Both days are included. Stored events of these days are replaced, other
days stay unchanged. Each database runs one write job at a time, in the
order of submission. Fetching complete days again is safe. With --if-busy=join,
if a job already covers the days, the command returns its id.

With --late-since, only days with events received after this time are fetched
again. One request finds these days, and usually one more fetches them.

With --wait, the command waits for the job. Ctrl-C stops waiting, not the job.`

const fetchExample = `  enqueue fetch events --from 2025-01-01 --to 2025-12-31 --wait
  enqueue fetch events --from 7d --wait --format json
  enqueue fetch events --late-since 36h --wait
  enqueue fetch events --from 30d --priority low --if-busy join
  enqueue fetch events signups --from 2025-01 --to 2025-03 --events "Sign Up"
  enqueue fetch events --from 2025-01 --database eu/jan.db \
    --where 'properties["$city"] == "Rome"'`

func (a *app) fetchCommand() *cobra.Command {
	commands := []*cobra.Command{a.fetchEventsCommand()}
	for _, info := range append(stream.Keyed(), stream.Everything()) {
		commands = append(commands, a.fetchStreamCommand(info))
	}
	group := console.Group("fetch", "Fetch data from Mixpanel into a database", commands...)
	group.Example = fetchExample
	return group
}

func (a *app) fetchEventsCommand() *cobra.Command {
	var what fetchOptions
	var how waitOptions
	var wait bool
	c := &cobra.Command{
		Use: "events [TABLE]", Short: "Fetch events of a date range", Long: fetchLong, Example: fetchExample,
		Args: func(c *cobra.Command, args []string) error {
			return console.OneTable(c.CommandPath(), args)
		},
		PreRunE: func(c *cobra.Command, _ []string) error { return how.prepare(c, wait) },
		RunE: func(c *cobra.Command, args []string) error {
			return a.fetch(c, what.project, &how, wait, func(cfg config.Config, p config.Project) (jobs.Request, error) {
				return what.request(args, cfg, p, a.Now())
			}, what.database)
		},
	}
	what.add(c)
	c.Flags().BoolVar(&wait, "wait", false, "wait for the job and print its result")
	how.add(c.Flags())
	return c
}

// echo prints the interpreted request on stderr.
func (a *app) echo(f jobs.Fetch, p config.Project) {
	var more strings.Builder
	if f.Mode != jobs.ModeSync && f.Mode != jobs.ModeFull {
		fmt.Fprintf(&more, ", mode %s", f.Mode)
	}
	if len(f.Events) > 0 {
		fmt.Fprintf(&more, ", only %s", wording.Counted(int64(len(f.Events)), "event name"))
	}
	what := "all stored days"
	switch {
	case f.StreamName() == stream.All && f.Days == (day.Range{}):
		what = "all streams, and the events of recent days that are due,"
	case f.StreamName() == stream.All:
		what = "all streams, and the events of " + console.DescribeDays(f.Days, p.Location) + ","
	case f.Days != (day.Range{}):
		what = console.DescribeDays(f.Days, p.Location)
	case f.StreamName() != stream.Events:
		what = f.DescribeDays()
	}
	if !f.Since.IsZero() {
		fmt.Fprintf(&more, ", only those that changed after %s", f.Since.UTC().Format(time.RFC3339))
	}
	if !f.LateSince.IsZero() {
		fmt.Fprintf(&more, ", only days with events received after %s", f.LateSince.UTC().Format(time.RFC3339))
	}
	tables := "table " + f.Table
	if info, err := stream.Find(f.StreamName()); err == nil {
		if all := info.Tables(f.Table); len(all) > 1 {
			tables = "tables " + strings.Join(all, ", ")
		}
	}
	fmt.Fprintf(a.Process.Stderr, "fetching %s of project %s into %s of %s%s\n",
		what, p, tables, f.Database, more.String())
}

// submitTimeout limits how long submitting may take.
const submitTimeout = 10 * time.Second

func (a *app) submit(ctx context.Context, q *queue.Queue, r jobs.Request, wait bool, how *waitOptions) error {
	// After Ctrl-C it must be clear whether there is a job.
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), submitTimeout)
	defer cancel()
	job, err := q.Submit(whole, r)
	if err != nil {
		return err
	}
	return a.submitted(ctx, q, job, wait, how)
}

// submitted completes commands that have submitted a job: it prints the job or waits for it.
func (a *app) submitted(ctx context.Context, q *queue.Queue, job jobs.Record, wait bool, how *waitOptions) error {
	if job.Unserved {
		fmt.Fprintf(a.Process.Stderr, "warning: %s; the job waits until one does\n", status.Nobody(job))
	}
	if job.Joined && !how.quiet {
		fmt.Fprintf(a.Process.Stderr, "job %s covers that already; it is %s\n", job.ID, status.Standing(job, a.Now()))
	}
	switch {
	case wait:
		if !how.quiet {
			fmt.Fprintf(a.Process.Stderr, "job %s\n", job.ID)
		}
		return a.await(ctx, q, job, how)
	case how.format.Value == console.FormatJSON:
		return a.PrintJSON(newObject(job, a.Now()))
	}
	return a.PrintLine(job.ID)
}
