package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/jobs"
)

const listLong = `Lists jobs, the newest first. With --format json that is one array of the objects
that "enqueue jobs show --format json" prints.`

const listExample = `  enqueue jobs list
  enqueue jobs list --state failed --limit 10
  enqueue jobs list --database eu/jan.db --format json`

// usualLimit is how many jobs are listed if nobody says.
const usualLimit = 100

func (a *app) listCommand() *cobra.Command {
	var filter jobs.Filter
	state := &choice{allowed: []string{
		string(jobs.StateWaiting), string(jobs.StateQueued), string(jobs.StateRunning), string(jobs.StatePaused),
		string(jobs.StateRetrying), string(jobs.StateDone), string(jobs.StateFailed), string(jobs.StateCancelled),
	}}
	c := &cobra.Command{Use: "list", Short: "List jobs, the newest first", Long: listLong, Example: listExample, Args: noArguments}
	flags := c.Flags()
	flags.Var(state, "state", "only jobs in this `state`: "+strings.Join(state.allowed, ", "))
	flags.StringVar(&filter.Project, "project", "", "only jobs of the project with this `id`")
	flags.StringVar(&filter.Database, "database", "", "only jobs of the database with this `name`")
	flags.IntVar(&filter.Limit, "limit", usualLimit, "at most so many")
	format := addFormat(flags)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.Load(a.process.Environ, c.Flags())
		if err != nil {
			return err
		}
		if filter.Limit < 1 {
			return fault.Usage("--limit 10", "--limit %d lists nothing", filter.Limit)
		}
		if filter.Database != "" {
			if filter.Database, err = parseDatabase(filter.Database); err != nil {
				return err
			}
		}
		filter.State = jobs.State(state.value)
		return withQueue(c.Context(), cfg, func(q *jobs.Queue) error {
			found, err := q.List(c.Context(), filter)
			if err != nil {
				return err
			}
			return a.printJobs(found, format.value)
		})
	}
	return c
}

func (a *app) printJobs(found []jobs.Record, format string) error {
	if format == formatJSON {
		objects := make([]object, len(found))
		for i, job := range found {
			objects[i] = newObject(job, a.now())
		}
		return a.printJSON(objects)
	}
	if len(found) == 0 {
		fmt.Fprintln(a.process.Stderr, "no jobs")
		return nil
	}
	width, _ := terminalWidth(a.process.Stdout)
	return a.print(jobTable(found, width))
}

// jobTable returns a line for each job below a heading, none with more than width columns; 0 means any number.
func jobTable(found []jobs.Record, width int) string {
	rows := [][]string{{"ID", "STATE", "DAYS", "DATABASE", "TABLE"}}
	for _, job := range found {
		rows = append(rows, []string{
			job.ID, string(job.State), job.Fetch.Days.String(),
			printable(strings.TrimPrefix(job.Fetch.Database, jobs.DefaultVolume+"/")), job.Fetch.Table,
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i := range row {
			row[i] = pad(row[i], widths[i])
		}
		b.WriteString(cut(strings.TrimRight(strings.Join(row, "  "), " "), width) + "\n")
	}
	return b.String()
}
