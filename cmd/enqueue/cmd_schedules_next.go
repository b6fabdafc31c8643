package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

const scheduleNextLong = `Preview the next runs of a schedule or of a cron entry. No worker is needed for an
entry. An invalid entry, or one that never fires, is refused with the reason.

Daylight saving: a run whose time is skipped starts right after the clock change.
If a time occurs twice, the run starts at the first. Entries that fire every hour
follow elapsed time.`

const scheduleNextExample = `  enqueue schedules next morning
  enqueue schedules next "30 2 * * *" --timezone America/New_York -n 20
  enqueue schedules next "@every 6h" --format json`

// nextObject is a future tick in --format json. Fields are only ever added.
type nextObject struct {
	Tick    time.Time `json:"tick"`     // RFC 3339, UTC
	Local   time.Time `json:"local"`    // in the reader's zone
	Zoned   time.Time `json:"zoned"`    // in the zone of the cron entry
	FiresAt time.Time `json:"fires_at"` // with the schedule's jitter; UTC
}

// mostTicks is the maximum number of ticks shown.
const mostTicks = 10_000

func (a *app) scheduleNextCommand() *cobra.Command {
	var n int
	var zone string
	c := &cobra.Command{
		Use: "next NAME|ENTRY", Short: "Preview the next runs of a schedule or cron entry", Long: scheduleNextLong, Example: scheduleNextExample,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault.Usage(c.CommandPath()+` "15 6 * * *"`, "%s requires the name of a schedule or a cron entry", c.CommandPath())
			}
			if len(args) > 1 {
				return fault.Usage("put the entry in quotes", "%s takes one name or entry, but got %q as well", c.CommandPath(), args[1])
			}
			return nil
		},
	}
	c.Flags().IntVarP(&n, "count", "n", 10, "number `n` of runs to show")
	c.Flags().StringVar(&zone, "timezone", "", "time `zone` of the entry, for example Europe/Berlin (default: the schedule's or the project's)")
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		if n < 1 || n > mostTicks {
			return fault.Usage("-n 10", "-n must be between 1 and %[2]d, got %[1]d", n, mostTicks)
		}
		cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
		if err != nil {
			return err
		}
		s := jobs.Schedule{Cron: args[0], Zone: entryZone(cfg)}
		now := a.Now()
		if jobs.CheckScheduleName(args[0]) == nil { // no cron entry looks like a name
			if s, now, err = findSchedule(c.Context(), cfg, args[0]); err != nil {
				return err
			}
		}
		if zone != "" {
			s.Zone = zone
		}
		return a.printNext(s, now, n, format.Value)
	}
	return c
}

// entryZone returns the zone of the default project, or of unlisted projects if the configuration names none.
func entryZone(cfg config.Config) string {
	p, known, err := connect.FindProject(cfg, "")
	if err != nil || !known { // several projects
		p = cfg.Fallback
	}
	return p.Location.String()
}

// findSchedule returns a schedule from the queue, and the queue's time.
func findSchedule(ctx context.Context, cfg config.Config, name string) (s jobs.Schedule, now time.Time, err error) {
	err = connect.With(ctx, cfg, func(q *queue.Queue) error {
		if now, err = q.Time(ctx); err != nil {
			return err
		}
		state, err := schedule.NewStore(q).Get(ctx, name, now)
		s = state.Schedule
		return err
	})
	return s, now, err
}

func (a *app) printNext(s jobs.Schedule, now time.Time, n int, format string) error {
	ticks, err := s.Ticks()
	if err != nil {
		return err
	}
	local := a.Now().Location()
	heading := []string{"RUN IN " + s.Zone, "LOCAL", "UTC"}
	if s.Jitter > 0 {
		heading = append(heading, "FIRES AT")
	}
	rows := [][]string{heading}
	var objects []nextObject
	for range n {
		now = ticks.Next(now)
		fires := s.FiresAt(ticks, now)
		objects = append(objects, nextObject{now, now.In(local), now.In(ticks.Location()), fires})
		row := []string{now.In(ticks.Location()).Format(zoned), now.In(local).Format(zoned), now.Format(zoned)}
		if s.Jitter > 0 {
			row = append(row, fires.In(local).Format(zoned))
		}
		rows = append(rows, row)
	}
	if format == console.FormatJSON {
		return a.PrintJSON(objects)
	}
	width, _ := console.TerminalWidth(a.Process.Stdout)
	return a.Print(console.Table(rows, width))
}
