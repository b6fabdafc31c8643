package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/status"
)

const lanesLong = `Show every database with jobs: the job with its turn, since when and on
which worker, how many jobs wait behind it, and how many are paused or retrying.
"enqueue jobs list --database NAME" shows the jobs of one lane.`

const lanesExample = `  enqueue lanes
  enqueue lanes --format json`

// laneObject is a lane in --format json. Fields are only ever added.
type laneObject struct {
	Database string     `json:"database"`
	Holder   *string    `json:"holder"` // the job that has its turn; null for none
	State    jobs.State `json:"state"`  // of the holder: queued or running; "" for none
	Since    *time.Time `json:"since"`  // start of that state; RFC 3339, UTC; null without a holder
	Worker   string     `json:"worker"`
	Waiting  int        `json:"waiting"`  // behind the holder
	Aside    int        `json:"aside"`    // paused or retrying
	NextAt   *time.Time `json:"next_at"`  // when the first of those moves to the front
	Unserved bool       `json:"unserved"` // no live worker serves the volume
	Table    string     `json:"table"`    // of jobs that publish it; "" for the other jobs of the database
}

func (a *app) lanesCommand() *cobra.Command {
	c := &cobra.Command{Use: "lanes", Short: "Show databases with pending or running jobs", Long: lanesLong, Example: lanesExample, Args: console.NoArguments}
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.withQueue(c, func(q *queue.Queue) error {
			lanes, err := q.Lanes(c.Context())
			if err != nil {
				return err
			}
			return a.printLanes(lanes, format.Value)
		})
	}
	return c
}

func (a *app) printLanes(lanes []jobs.LaneInfo, format string) error {
	if format == console.FormatJSON {
		objects := make([]laneObject, len(lanes))
		for i, lane := range lanes {
			objects[i] = laneObject{
				Database: lane.Database, State: lane.State, Since: timeOrNull(lane.Since), Worker: lane.Worker,
				Waiting: lane.Waiting, Aside: lane.Aside, NextAt: timeOrNull(lane.NextAt), Unserved: lane.Unserved, Table: lane.Table,
			}
			if lane.Holder != "" {
				objects[i].Holder = &lane.Holder
			}
		}
		return a.PrintJSON(objects)
	}
	if len(lanes) == 0 {
		fmt.Fprintln(a.Process.Stderr, "no database has jobs")
		return nil
	}
	width, _ := console.TerminalWidth(a.Process.Stdout)
	return a.Print(console.Table(laneRows(lanes, a.Now()), width))
}

// laneRows returns a heading and a row per lane.
func laneRows(lanes []jobs.LaneInfo, now time.Time) [][]string {
	rows := [][]string{{"DATABASE", "HOLDER", "STATE", "SINCE", "WORKER", "WAITING", "ASIDE"}}
	for _, lane := range lanes {
		since, worker, aside := "", lane.Worker, wording.Grouped(int64(lane.Aside))
		if !lane.Since.IsZero() {
			since = wording.ShortTime(max(0, now.Sub(lane.Since))) + " ago"
		}
		if lane.Unserved {
			worker = "none serves its volume"
		}
		if lane.Aside > 0 {
			aside += " " + status.Until(lane.NextAt, now)
		}
		database := status.Database(lane.Database)
		if lane.Table != "" {
			database += ", " + lane.Table + " to the lake"
		}
		rows = append(rows, []string{
			database, lane.Holder, string(lane.State), since, wording.Printable(worker), wording.Grouped(int64(lane.Waiting)), aside,
		})
	}
	return rows
}
