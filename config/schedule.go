package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/defaults"
	"mixduck/internal/name"
	"mixduck/internal/stream"
)

// Schedule repeatedly fetches the due days of a table.
type Schedule struct {
	Name         string
	Project      string // its name
	Stream       string // see [stream.List]
	Database     string // volume/relative path; always with the volume
	Table        string
	Events       []string // only these names; empty means all
	Where        string   // a Mixpanel expression
	Promote      string   // properties, in the form of [promotion.Parse]
	Cron         string
	Location     *time.Location // the zone of Cron
	Start        day.Day        // first day to fetch; 0 if not set
	Lookback     int            // days before today that are always fetched again
	IncludeToday bool
	Mode         string        // for events sync or append, for other streams full or incremental
	FullEvery    time.Duration // for incremental profiles: maximum age of the last full refresh; 0 means never
	History      bool          // for profiles: keep all versions
	Group        string        // for profiles: ID of a group key; "" means users
	ReportIDs    []int64       // for reports: only these; empty means all
	Verify       string        // for events: false, true or repair
	Priority     string        // high, default or low
	Jitter       time.Duration // maximum delay of a tick
	CatchUp      time.Duration // how long a missed tick is still caught up
	Overlap      string        // skip or queue: what to do at a tick while the previous job is not final
	Enabled      bool
	MaxAttempts  int
}

const longestLookback = 365 // days

// scheduleSettings returns the settings of a schedule.
func scheduleSettings() []setting[Schedule] {
	type s = Schedule
	return []setting[Schedule]{
		{key: "name", usage: "unique name of the schedule", needed: "set a unique name", field: text(func(s *s) *string { return &s.Name }, checkName)},
		{key: "project", usage: "name or id; default: the only project", field: text(func(s *s) *string { return &s.Project }, nil)},
		{key: "stream", usage: strings.Join(stream.Names(), ", ") + "; default events", field: oneOf(func(s *s) *string { return &s.Stream }, stream.Names()...)},
		{key: "database", usage: "as volume/path.db; default: the project's database", field: database(func(s *s) *string { return &s.Database })},
		{key: "table", usage: "default: the name of the stream", field: text(func(s *s) *string { return &s.Table }, name.Table)},
		{key: "events", usage: "only events with these names; default: as in the project's table", exact: true, field: list(func(s *s) *[]string { return &s.Events }, nil)},
		{key: "where", usage: "only events that match this Mixpanel expression; default: as in the project's table", exact: true, field: text(func(s *s) *string { return &s.Where }, nil)},
		{key: "promote", usage: "properties to promote to columns; default: as in the project's table", exact: true, field: promoted(func(s *s) *string { return &s.Promote })},
		{key: "cron", usage: "cron entry, for example 15 6 * * *", needed: "set a cron entry, for example 15 6 * * *", field: text(func(s *s) *string { return &s.Cron }, nil)},
		{key: "timezone", usage: "time zone of cron; default: the project's time zone", field: zone(func(s *s) **time.Location { return &s.Location })},
		{key: "start", usage: "first day to fetch, for example 2026-01-01; default: lookback before the creation of the schedule", field: date(func(s *s) *day.Day { return &s.Start })},
		{key: "lookback", usage: "re-fetch the last n days on every run; default 5d", field: days(longestLookback, func(s *s) *int { return &s.Lookback })},
		{key: "include_today", usage: "also fetch today; default false", field: yesNo(func(s *s) *bool { return &s.IncludeToday })},
		{key: "mode", usage: "sync (the default for events) or append; for profiles full (the default) or incremental", field: oneOf(func(s *s) *string { return &s.Mode }, "sync", "append", "full", "incremental")},
		{key: "full_every", usage: "incremental profiles: maximum age of the last full refresh, for example 7d; default no limit", field: span(0, func(s *s) *time.Duration { return &s.FullEvery })},
		{key: "history", usage: "profiles: keep all versions; default false", field: yesNo(func(s *s) *bool { return &s.History })},
		{key: "group", usage: "profiles: id of a group key, to fetch the profiles of groups", exact: true, field: text(func(s *s) *string { return &s.Group }, nil)},
		{key: "report_ids", usage: "reports: only the saved reports with these ids; default all", field: ids(func(s *s) *[]int64 { return &s.ReportIDs })},
		{key: "verify", usage: "compare events with Mixpanel's counts after each run: true, or repair to fetch days that differ again; default false", field: oneOf(func(s *s) *string { return &s.Verify }, "false", "true", "repair")},
		{key: "priority", usage: "high, default or low; default default", field: oneOf(func(s *s) *string { return &s.Priority }, "high", "default", "low")},
		{key: "jitter", usage: "maximum random delay of a run; default 0s", field: jitter()},
		{key: "catch_up", usage: "maximum age of a missed run that is still started; default 31d", field: span(time.Minute, func(s *s) *time.Duration { return &s.CatchUp })},
		{key: "overlap", usage: "skip a run, or queue one, while the previous job is not finished; default skip", field: oneOf(func(s *s) *string { return &s.Overlap }, "skip", "queue")},
		{key: "enabled", usage: "default true", field: yesNo(func(s *s) *bool { return &s.Enabled })},
		{key: "max_attempts", usage: "maximum attempts per job; default jobs.max_attempts", field: count(func(s *s) *int { return &s.MaxAttempts })},
	}
}

// newSchedule returns a schedule with nothing set.
func (c *Config) newSchedule() Schedule {
	return Schedule{
		Stream: stream.Events, Lookback: defaults.Lookback, Priority: "default", CatchUp: defaults.CatchUp, Overlap: "skip", Verify: "false",
		Enabled: true, MaxAttempts: c.Jobs.MaxAttempts,
	}
}

// misfit returns the first setting that does not fit the schedule's stream, and why.
func (s *Schedule) misfit() (key string, err error) {
	info, _ := stream.Find(s.Stream) // already checked
	dated, profiles, modes := info.Dated(), info.Some, info.Modes
	for _, rule := range []struct {
		key  string
		bad  bool
		text string
	}{
		{"mode", !slices.Contains(modes, s.Mode), fmt.Sprintf("%s are not fetched in mode %s; use %s", s.Stream, s.Mode, strings.Join(modes, " or "))},
		{"start", !dated && s.Start != 0, s.Stream + " have no first day; leave it out"},
		{"include_today", !dated && s.IncludeToday, s.Stream + " have no days; leave it out"},
		{"events", !dated && len(s.Events) > 0, "names of events limit events only; leave it out"},
		{"where", !dated && !profiles && s.Where != "", "only events and profiles have expressions; leave it out"},
		{"full_every", s.Mode != "incremental" && s.FullEvery != 0, "only schedules with mode: incremental make full refreshes at times; leave it out"},
		{"history", !profiles && s.History, "only profiles have a history; leave it out"},
		{"group", !profiles && s.Group != "", "only profiles have groups; leave it out"},
		{"report_ids", !info.ByID && len(s.ReportIDs) > 0, "only reports are chosen by these ids; leave it out"},
		{"verify", !dated && s.Verify != "false", "only events can be verified; leave it out"},
		{"verify", s.Verify != "false" && s.Where != "", "events that match an expression cannot be verified; leave it out"},
		{"verify", s.Verify == "repair" && s.Mode == "append", "mode: append replaces no days, so it cannot repair them; use true"},
	} {
		if rule.bad {
			return rule.key, errors.New(rule.text)
		}
	}
	return "", nil
}

// adopt fills in settings from the project that s does not set.
func (s *Schedule) adopt(p Project) {
	s.Project = p.Name
	info, _ := stream.Find(s.Stream) // already checked
	s.Table, s.Mode = cmp.Or(s.Table, info.Table), cmp.Or(s.Mode, info.Mode())
	if s.Database == "" {
		s.Database = p.Database
	}
	if s.Location == nil {
		s.Location = p.Location
	}
	if !info.Dated() {
		return // the settings of tables are about events
	}
	t := p.Table(s.Table)
	if len(s.Events) == 0 {
		s.Events = t.Events
	}
	if s.Where == "" {
		s.Where = t.Where
	}
	if s.Promote == "" {
		s.Promote = t.Promote
	}
}

// ids is a list of IDs of reports.
func ids(at func(*Schedule) *[]int64) field[Schedule] {
	return field[Schedule]{numeric: true, show: func(s *Schedule) string { return stream.JoinReportIDs(*at(s)) }, list: func(s *Schedule, texts []string) (err error) {
		*at(s), err = stream.ParseReportIDs(texts...)
		return err
	}}
}

func jitter() field[Schedule] {
	f := span(0, func(s *Schedule) *time.Duration { return &s.Jitter })
	known := f.set
	f.set = func(s *Schedule, v string) error {
		if err := known(s, v); err != nil || s.Jitter <= oneDay {
			return err
		}
		return fmt.Errorf("%s is too long; the maximum is %s", v, spanText(oneDay))
	}
	return f
}

func date[T any](at func(*T) *day.Day) field[T] {
	return field[T]{show: func(t *T) string {
		if *at(t) == 0 {
			return ""
		}
		return at(t).String()
	}, set: func(t *T, v string) error {
		d, err := day.Parse(v)
		if err != nil {
			return fmt.Errorf("%q is not a day like 2026-01-01", v)
		}
		if err := d.CheckEarliest(); err != nil {
			return err
		}
		*at(t) = d
		return nil
	}}
}
