package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/status"
)

const publishLong = `Copy stored days of a table of events into the lake: Apache Iceberg tables that Spark,
Trino, DuckDB, ClickHouse, pandas and others can read. It copies the days that have
changed since they were published, newest first. Readers see each batch of days at
once, or not at all.

It needs a running "lake run" with the settings lake.catalog and lake.warehouse. The
job does not wait for fetches, and fetches do not wait for it.`

const publishExample = `  enqueue publish --wait
  enqueue publish --from 2025-01-01 --to 2025-03-31
  enqueue publish status`

// publishFlags are the flags of `enqueue publish`.
type publishFlags struct {
	days        console.DayFlags
	table       string
	force, wait bool
	how         waitOptions
}

func (a *app) publishCommand() *cobra.Command {
	var f publishFlags
	c := &cobra.Command{
		Use: "publish", Short: "Copy stored days into the lake, for other engines", Long: publishLong, Example: publishExample, Args: console.NoArguments,
		PreRunE: func(c *cobra.Command, _ []string) error { return f.how.prepare(c, f.wait) },
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		days, err := f.days.Days(day.Of(a.Now().UTC()))
		if err != nil {
			return err
		}
		return a.withDatabase(c, func(cfg config.Config, q *queue.Queue, database string) error {
			return a.submit(c.Context(), q, jobs.Request{
				Kind: jobs.KindPublish, Publish: jobs.Publish{Database: database, Table: f.table, Days: days, Force: f.force}, MaxAttempts: cfg.Jobs.MaxAttempts,
			}, f.wait, &f.how)
		})
	}
	f.days.Add(c.Flags())
	c.Flags().StringVar(&f.table, "table", stream.Events, "`table` to publish")
	c.Flags().BoolVar(&f.force, "force", false, "also copy days again that have not changed since they were published")
	c.Flags().BoolVar(&f.wait, "wait", false, "wait for the end of the job")
	f.how.add(c.Flags())
	addDatabase(c.Flags())
	c.AddCommand(a.publishStatusCommand())
	return c
}

const publishStatusLong = `Show what the lake contains of each table, as known after the last job that published
it: days, rows, and the time of the last commit. It also shows how many stored days are
not published yet, and since when.`

func (a *app) publishStatusCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "status", Short: "Show the tables of the lake", Long: publishStatusLong, Args: console.NoArguments,
		Example: "  enqueue publish status\n  enqueue publish status --format json",
	}
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
		if err != nil {
			return err
		}
		return connect.With(c.Context(), cfg, func(q *queue.Queue) error {
			tables, err := q.LakeTables(c.Context())
			if err != nil {
				return err
			}
			return a.printLake(tables, format.Value)
		})
	}
	return c
}

// lakeObject is a table of the lake in JSON. Fields are only ever added.
type lakeObject struct {
	Database    string       `json:"database"`
	Table       string       `json:"table"`
	Lake        string       `json:"lake"`         // namespace.name in the catalog
	Days        int          `json:"days"`         // published
	Rows        int64        `json:"rows"`         // of these days
	From        *day.Day     `json:"from"`         // of these days; null without days
	To          *day.Day     `json:"to"`           //
	PublishedAt *time.Time   `json:"published_at"` // of the last commit; null before the first one
	Due         int          `json:"due"`          // stored days that are not published as they are
	DueSince    *time.Time   `json:"due_since"`    // when the first of them was stored; null if none is due
	Newer       int          `json:"newer"`        // days that the lake has in a newer state than the database
	At          *time.Time   `json:"at"`           // when this was found
	Error       *objectError `json:"error"`        // of the last attempt; null if it succeeded
}

func newLakeObject(t jobs.LakeTable) lakeObject {
	o := lakeObject{
		Database: t.Database, Table: t.Table, Lake: t.Lake, Days: t.Days, Rows: t.Rows, PublishedAt: timeOrNull(t.PublishedAt),
		Due: t.Due, DueSince: timeOrNull(t.DueSince), Newer: t.Newer, At: timeOrNull(t.At),
	}
	if t.Days > 0 {
		o.From, o.To = &t.First, &t.Last
	}
	if t.Failure != nil {
		o.Error = &objectError{Code: t.Failure.Code, Message: t.Failure.Message, Hint: t.Failure.Hint}
	}
	return o
}

func (a *app) printLake(tables []jobs.LakeTable, format string) error {
	if format == console.FormatJSON {
		objects := make([]lakeObject, len(tables))
		for i, t := range tables {
			objects[i] = newLakeObject(t)
		}
		return a.PrintJSON(objects)
	}
	if len(tables) == 0 {
		fmt.Fprintln(a.Process.Stderr, "nothing was published yet")
		return nil
	}
	width, _ := console.TerminalWidth(a.Process.Stdout)
	return a.Print(console.Table(lakeRows(tables, a.Now()), width))
}

// lakeRows returns a heading and a row for each table of the lake.
func lakeRows(tables []jobs.LakeTable, now time.Time) [][]string {
	rows := [][]string{{"LAKE TABLE", "FROM", "DAYS", "ROWS", "PUBLISHED", "DUE"}}
	for _, t := range tables {
		published, due := "never", []string{wording.Counted(int64(t.Due), "day")}
		if !t.PublishedAt.IsZero() {
			published = wording.ShortTime(max(0, now.Sub(t.PublishedAt))) + " ago"
		}
		if !t.DueSince.IsZero() {
			due = append(due, "since "+wording.ShortTime(max(0, now.Sub(t.DueSince))))
		}
		if t.Newer > 0 {
			due = append(due, wording.Grouped(int64(t.Newer))+" newer in the lake")
		}
		if t.Failure != nil {
			due = append(due, "failed: "+t.Failure.Message)
		}
		rows = append(rows, []string{
			wording.Printable(t.Lake), status.Database(t.Database) + ", " + t.Table, wording.Grouped(int64(t.Days)), wording.Grouped(t.Rows),
			published, wording.Printable(strings.Join(due, ", ")),
		})
	}
	return rows
}
