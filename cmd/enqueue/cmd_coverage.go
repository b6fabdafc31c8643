package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

const coverageLong = `Show a calendar of the stored days of each table. It comes from the queue, so it
needs no worker, opens no database, and works during a fetch. "enqueue inspect coverage"
reads the database, and also shows quarantined lines and jobs.`

const coverageExample = `  enqueue coverage
  enqueue coverage events --database 12345.db
  enqueue coverage --format json`

// coverageObject is a table in --format json. Fields are only ever added.
type coverageObject struct {
	Database string      `json:"database"`
	Table    string      `json:"table"`
	Days     []dayObject `json:"days"` // from the first known day to the last, without gaps
}

type dayObject struct {
	Day   day.Day `json:"day"`
	State string  `json:"state"` // complete, partial, unavailable or missing
	Rows  int64   `json:"rows"`
}

func (a *app) coverageCommand() *cobra.Command {
	var database string
	c := &cobra.Command{
		Use: "coverage [TABLE]", Short: "Show which days are stored, without opening a database", Long: coverageLong, Example: coverageExample,
		Args: func(c *cobra.Command, args []string) error { return console.Arguments(c, args, min(1, len(args))) },
	}
	c.Flags().StringVar(&database, "database", "", "only tables of the database with this `name`")
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
		if err != nil {
			return err
		}
		return connect.With(c.Context(), cfg, func(q *queue.Queue) error {
			if database != "" {
				if database, err = connect.Database(c.Context(), q, cfg, database); err != nil {
					return err
				}
			}
			found, err := coverageOf(c.Context(), q, database, strings.Join(args, ""))
			if err != nil {
				return err
			}
			if format.Value == console.FormatJSON {
				return a.PrintJSON(found)
			}
			return a.printCoverage(found)
		})
	}
	return c
}

// coverageOf returns the days of the known tables; "" stands for all databases or tables.
func coverageOf(ctx context.Context, q *queue.Queue, database, table string) ([]coverageObject, error) {
	tables, err := q.Tables(ctx)
	if err != nil {
		return nil, err
	}
	tables = slices.DeleteFunc(tables, func(t jobs.TableState) bool {
		return !t.Dated() || database != "" && t.Database != database || table != "" && t.Table != table
	})
	if len(tables) == 0 && (database != "" || table != "") {
		return nil, fault.New(fault.CodeNotFound, "enqueue status shows the tables", "the queue knows no such table with days")
	}
	databases := make([]string, len(tables))
	for i, t := range tables {
		databases[i] = t.Database
	}
	all, err := q.AllDays(ctx, databases)
	found := make([]coverageObject, len(tables))
	for i, t := range tables {
		found[i] = coverageObject{Database: t.Database, Table: t.Table, Days: []dayObject{}}
		for _, d := range all[t.Database][t.Table] {
			found[i].Days = append(found[i].Days, dayObject{d.Day, d.State.String(), d.Rows})
		}
	}
	return found, err
}

func (a *app) printCoverage(found []coverageObject) error {
	var calendars []*console.Calendar
	for _, t := range found {
		if len(t.Days) == 0 {
			continue
		}
		c := console.NewCalendar(t.Database+" "+t.Table, t.Days[0].Day)
		for _, d := range t.Days {
			if d.State != jobs.DayMissing.String() {
				c.Add(d.Day, d.State)
			}
		}
		calendars = append(calendars, c)
	}
	if len(calendars) == 0 {
		fmt.Fprintln(a.Process.Stderr, "the queue knows no days of tables")
		return nil
	}
	var b strings.Builder
	if err := console.Calendars(&b, calendars); err != nil {
		return err
	}
	return a.Print(b.String())
}
