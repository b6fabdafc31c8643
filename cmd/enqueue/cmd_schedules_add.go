package main

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

const scheduleAddLong = `Add a schedule. It stays until you remove it. On each run, one job fetches the
days from --start to yesterday (in the project's time zone) that are missing or
partial, and the last --lookback days again. Newest days come first. If many days
are due, the rest follows in smaller jobs with low priority.

A cron entry has five fields (minute, hour, day of month, month, day of week),
optionally with seconds before them, or is @hourly, @daily, @weekly, @monthly,
@yearly or "@every 6h". "enqueue schedules next" previews the runs of an entry.`

const scheduleAddExample = `  enqueue schedules add morning --cron "15 6 * * *" --start 2026-01-01
  enqueue schedules add today --cron "*/30 * * * *" --include-today
  enqueue schedules add people --stream profiles --cron "0 5 * * *" \
    --incremental --full-every 7d
  enqueue schedules add signups --cron @daily --table signups \
    --events "Sign Up" --jitter 10m`

// scheduleFlags are the flags that define a schedule.
type scheduleFlags struct {
	schedule    jobs.Schedule
	events      console.EventFlags
	start       string
	appending   bool
	incremental bool
	stream      *console.Choice
	overlap     *console.Choice
	verify      *console.Choice
	priority    *console.Choice
}

func (o *scheduleFlags) add(c *cobra.Command) {
	flags := c.Flags()
	s := &o.schedule
	flags.StringVar(&s.Cron, "cron", "", "cron `entry` (required)")
	flags.StringVar(&s.Zone, "timezone", "", "time `zone` of the entry, for example Europe/Berlin (default: the project's)")
	flags.StringVar(&s.Project, "project", "", projectUsage)
	flags.StringVar(&s.Database, "database", "", databaseUsage)
	o.stream = &console.Choice{Value: stream.Events, Allowed: stream.Names()}
	flags.Var(o.stream, "stream", "`stream` to fetch: "+strings.Join(o.stream.Allowed, ", "))
	flags.StringVar(&s.Table, "table", "", "table `name` (default: the stream's)")
	o.events.Add(flags)
	flags.StringVar(&s.Where, "where", "", "only events that match this Mixpanel `expression`")
	flags.StringVar(&s.Promote, "promote", "", "`properties` to copy into typed columns, for example plan,amount:DOUBLE")
	flags.StringVar(&o.start, "start", "", "first `day` to fetch (default: today minus the lookback)")
	flags.IntVar(&s.Lookback, "lookback", jobs.DefaultLookback, "re-fetch the last N `days` on every run")
	flags.BoolVar(&s.IncludeToday, "include-today", false, "also fetch the current, incomplete day")
	flags.BoolVar(&o.appending, "append", false, "add missing events; delete nothing")
	flags.BoolVar(&o.incremental, "incremental", false, "of profiles: fetch only those that changed since the last run")
	flags.Var((*console.Span)(&s.FullEvery), "full-every", "with --incremental: make a full refresh if the last one is older than this `duration`, for example 7d")
	flags.BoolVar(&s.History, "history", false, "of profiles: keep all versions")
	flags.StringVar(&s.Group, "group", "", "of profiles: fetch the profiles of groups, by the `id` of their group key")
	console.AddReportIDs(flags, &s.ReportIDs, "of reports: only the saved report with this `id`; can be repeated")
	o.verify = &console.Choice{Value: "false", Allowed: []string{"false", jobs.VerifyReport, jobs.VerifyRepair}}
	flags.Var(o.verify, "verify", "true: compare events with Mixpanel's counts after each run; repair: also fetch days that differ again")
	flags.DurationVar(&s.Jitter, "jitter", 0, "delay each run by a random `duration` up to this one")
	flags.DurationVar(&s.CatchUp, "catch-up", jobs.DefaultCatchUp, "maximum age `duration` of a missed run that is still started")
	o.overlap = &console.Choice{Value: string(jobs.OverlapSkip), Allowed: []string{string(jobs.OverlapSkip), string(jobs.OverlapQueue)}}
	flags.Var(o.overlap, "overlap", "what to do if the previous job is still running: skip this run, or queue one job")
	o.priority = &console.Choice{Value: string(jobs.PriorityDefault), Allowed: []string{
		string(jobs.PriorityHigh), string(jobs.PriorityDefault), string(jobs.PriorityLow),
	}}
	flags.Var(o.priority, "priority", "priority among jobs of different databases")
	config.Flags(flags, "jobs.max_attempts")
}

// complete returns the schedule, except for what only the queue knows about its database.
func (o *scheduleFlags) complete(name string, cfg config.Config, p config.Project, now time.Time) (jobs.Schedule, error) {
	s := o.schedule
	s.Name, s.Stream, s.MaxAttempts = name, o.stream.Value, cfg.Jobs.MaxAttempts
	if o.verify.Value != "false" {
		s.Verify = o.verify.Value
	}
	s.Overlap, s.Priority = jobs.Overlap(o.overlap.Value), jobs.Priority(o.priority.Value)
	switch {
	case o.appending && o.incremental:
		return s, fault.Usage("--append is for events, --incremental for profiles", "--append and --incremental exclude each other")
	case o.appending:
		s.Mode = jobs.ModeAppend
	case o.incremental:
		s.Mode = jobs.ModeIncremental
	}
	if s.Cron == "" {
		return s, fault.Usage(`--cron "15 6 * * *"`, "--cron is required")
	}
	if s.CatchUp <= 0 {
		return s, fault.Usage("omit it for the default", "--catch-up must be at least 1m, got %s", s.CatchUp)
	}
	s = s.WithDefaults()
	var err error
	if s.Events, err = o.events.Names(); err != nil {
		return s, err
	}
	s.Project, s.ProjectZone = strconv.FormatInt(p.ID, 10), p.Location.String()
	if s.Dated() {
		table := p.Table(s.Table)
		s.Where, s.Promote = cmp.Or(s.Where, table.Where), cmp.Or(s.Promote, table.Promote)
		if len(s.Events) == 0 {
			s.Events = table.Events
		}
	}
	if o.start != "" {
		today := day.Of(now.In(p.Location))
		days, err := day.ParseExpr(o.start, today)
		if err != nil {
			return s, fault.Usage("--start 2026-01-01", "--start: %w", err)
		}
		if s.Start = days.From; s.Start > today {
			return s, fault.Usage("--start 2026-01-01", "--start %s is in the future", s.Start)
		}
	}
	if s.Database == "" {
		s.Database = p.Database
	} else if s.Database, err = connect.FindDatabase(cfg, s.Database, nil); err != nil {
		return s, err
	}
	return s, s.Validate()
}

func (a *app) scheduleAddCommand() *cobra.Command {
	var what scheduleFlags
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a schedule", Long: scheduleAddLong, Example: scheduleAddExample,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault.Usage("enqueue schedules add morning …", "%s requires a name for the schedule", c.CommandPath())
			}
			return console.Arguments(c, args, 1)
		},
	}
	what.add(c)
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
		if err != nil {
			return err
		}
		p, known, err := connect.FindProject(cfg, what.schedule.Project)
		if err == nil && known { // invalid requests need no queue
			_, err = what.complete(args[0], cfg, p, a.Now())
		}
		if err != nil {
			return err
		}
		return connect.With(c.Context(), cfg, func(q *queue.Queue) error {
			p, err := connect.Project(c.Context(), q, cfg, what.schedule.Project)
			if err != nil {
				return err
			}
			s, err := what.complete(args[0], cfg, p, a.Now())
			if err != nil {
				return err
			}
			if what.schedule.Database != "" {
				if s.Database, err = connect.Database(c.Context(), q, cfg, what.schedule.Database); err != nil {
					return err
				}
			}
			if err := schedule.NewStore(q).Add(c.Context(), s); err != nil {
				return err
			}
			return a.printSchedule(c.Context(), q, s.Name, format.Value)
		})
	}
	return c
}
