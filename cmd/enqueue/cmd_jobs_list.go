package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/status"
)

const listLong = `List jobs, newest first. With --database, also show each job's position in the
lane of the database, and what it waits for. To see older jobs, repeat the command
with --before and the last id. With --format json, the output is
one array of the objects that "enqueue jobs show --format json" prints.`

const listExample = `  enqueue jobs list
  enqueue jobs list --state failed --limit 10
  enqueue jobs list --kind edit --before 01KAMG2M7E6Y4T0Q0N8Z5R3V9C
  enqueue jobs list --database eu/jan.db`

// usualLimit is the default number of listed jobs.
const usualLimit = 100

func (a *app) listCommand() *cobra.Command {
	var filter queue.Filter
	var database string
	state := &console.Choice{Allowed: []string{
		string(jobs.StateWaiting), string(jobs.StateQueued), string(jobs.StateRunning), string(jobs.StatePaused),
		string(jobs.StateRetrying), string(jobs.StateDone), string(jobs.StateFailed), string(jobs.StateCancelled),
	}}
	c := &cobra.Command{Use: "list", Short: "List jobs, newest first", Long: listLong, Example: listExample, Args: console.NoArguments}
	flags := c.Flags()
	flags.Var(state, "state", "only jobs in `state`: "+strings.Join(state.Allowed, ", "))
	kind := &console.Choice{}
	for _, k := range jobs.Kinds() {
		kind.Allowed = append(kind.Allowed, string(k))
	}
	flags.Var(kind, "kind", "only jobs of `kind` fetch, edit, query, ask (queries of Mixpanel) or publish (default: all but queries)")
	flags.StringVar(&filter.Project, "project", "", "only jobs of the project with this `name` or id")
	flags.StringVar(&database, "database", "", "only jobs of the database with this `name`")
	flags.StringVar(&filter.Before, "before", "", "only jobs submitted before the job with this `id`")
	flags.IntVar(&filter.Limit, "limit", usualLimit, "maximum number of `jobs`")
	format := console.AddFormat(flags)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
		if err != nil {
			return err
		}
		if filter.Limit < 1 {
			return fault.Usage("--limit 10", "--limit must be positive, got %d", filter.Limit)
		}
		if database != "" {
			if filter.Database, err = connect.FindDatabase(cfg, database, nil); err != nil {
				return err
			}
		}
		filter.State, filter.Kind = jobs.State(state.Value), jobs.Kind(kind.Value)
		return connect.With(c.Context(), cfg, func(q *queue.Queue) error {
			if database != "" {
				if filter.Database, err = connect.Database(c.Context(), q, cfg, database); err != nil {
					return err
				}
			}
			if filter.Project, err = projectID(c.Context(), q, cfg, filter.Project); err != nil {
				return err
			}
			found, err := q.List(c.Context(), filter)
			if err != nil {
				return err
			}
			return a.printJobs(found, format.Value, database != "")
		})
	}
	return c
}

// projectID returns the ID of a project given by name or ID. It accepts any ID, because jobs outlive projects.
func projectID(ctx context.Context, q *queue.Queue, cfg config.Config, named string) (string, error) {
	if _, err := strconv.ParseInt(named, 10, 64); named == "" || err == nil {
		return named, nil
	}
	p, err := connect.Project(ctx, q, cfg, named)
	return strconv.FormatInt(p.ID, 10), err
}

func (a *app) printJobs(found []jobs.Record, format string, line bool) error {
	if format == console.FormatJSON {
		objects := make([]object, len(found))
		for i, job := range found {
			objects[i] = newObject(job, a.Now())
		}
		return a.PrintJSON(objects)
	}
	if len(found) == 0 {
		fmt.Fprintln(a.Process.Stderr, "no jobs")
		return nil
	}
	width, _ := console.TerminalWidth(a.Process.Stdout)
	rows := jobRows(found)
	if slices.ContainsFunc(found, func(job jobs.Record) bool { return job.Schedule != "" }) {
		rows[0] = append(rows[0], "SCHEDULE")
		for i, job := range found {
			rows[i+1] = append(rows[i+1], scheduleOf(job))
		}
	}
	if line {
		rows = addLine(rows, found, a.Now())
	}
	return a.Print(console.Table(rows, width))
}

// jobRows returns a heading and a row per job.
func jobRows(found []jobs.Record) [][]string {
	rows := [][]string{{"ID", "STATE", "WHAT", "DATABASE", "TABLE"}}
	for _, job := range found {
		rows = append(rows, []string{job.ID, string(job.State), status.What(job), status.Database(job.Database), job.Table()})
	}
	return rows
}

// addLine adds columns for the position of each job and what it waits for.
func addLine(rows [][]string, found []jobs.Record, now time.Time) [][]string {
	rows[0] = append(rows[0], "POSITION", "WAITS")
	for i, job := range found {
		position := ""
		switch job.State {
		case jobs.StateWaiting, jobs.StateQueued, jobs.StateRunning:
			position = wording.Grouped(int64(job.Position))
		case jobs.StatePaused, jobs.StateRetrying, jobs.StateDone, jobs.StateFailed, jobs.StateCancelled: // not waiting in the lane
		}
		rows[i+1] = append(rows[i+1], position, wording.Printable(status.Waits(job, now)))
	}
	return rows
}
