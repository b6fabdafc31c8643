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

// Schedule asks again and again for the days of a table that are due.
type Schedule struct {
	Name         string
	Project      string // its name
	Stream       string // see [stream.List]
	Database     string // volume/relative path, with the volume
	Table        string
	Events       []string // only these names; none means all
	Where        string   // a Mixpanel expression
	Promote      string   // properties, as [promotion.Parse] reads them
	Cron         string
	Location     *time.Location // in which Cron is read
	Start        day.Day        // the first day to have; 0 if none is named
	Lookback     int            // days before today that are fetched again, however complete they are
	IncludeToday bool
	Mode         string        // of events sync or append, of other streams full or incremental
	FullEvery    time.Duration // of incremental profiles: how old the last full refresh may be; 0 means that none is made
	History      bool          // of profiles: keep all versions
	Group        string        // of profiles: the id of a group key; "" means users
	Priority     string        // high, default or low
	Jitter       time.Duration // by which a tick is put off at most
	CatchUp      time.Duration // for so long a tick that was missed is caught up
	Overlap      string        // skip or queue: what becomes of a tick while the job of the one before is not over
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
		{key: "priority", usage: "high, default or low; default default", field: oneOf(func(s *s) *string { return &s.Priority }, "high", "default", "low")},
		{key: "jitter", usage: "maximum random delay of a run; default 0s", field: jitter()},
		{key: "catch_up", usage: "maximum age of a missed run that is still started; default 31d", field: span(time.Minute, func(s *s) *time.Duration { return &s.CatchUp })},
		{key: "overlap", usage: "skip a run, or queue one, while the previous job is not finished; default skip", field: oneOf(func(s *s) *string { return &s.Overlap }, "skip", "queue")},
		{key: "enabled", usage: "default true", field: yesNo(func(s *s) *bool { return &s.Enabled })},
		{key: "max_attempts", usage: "maximum attempts per job; default jobs.max_attempts", field: count(func(s *s) *int { return &s.MaxAttempts })},
	}
}

// newSchedule returns one of which nothing is set.
func (c *Config) newSchedule() Schedule {
	return Schedule{
		Stream: stream.Events, Lookback: defaults.Lookback, Priority: "default", CatchUp: defaults.CatchUp, Overlap: "skip",
		Enabled: true, MaxAttempts: c.Jobs.MaxAttempts,
	}
}

// misfit returns the first setting that does not go with the schedule's stream, and why.
func (s *Schedule) misfit() (key string, err error) {
	info, _ := stream.Find(s.Stream) // it has been checked
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
	} {
		if rule.bad {
			return rule.key, errors.New(rule.text)
		}
	}
	return "", nil
}

// adopt gives s what its project says and s does not.
func (s *Schedule) adopt(p Project) {
	s.Project = p.Name
	info, _ := stream.Find(s.Stream) // it has been checked
	s.Table, s.Mode = cmp.Or(s.Table, info.Table), cmp.Or(s.Mode, info.Mode())
	if s.Database == "" {
		s.Database = p.Database
	}
	if s.Location == nil {
		s.Location = p.Location
	}
	if !info.Dated() {
		return // what tables say is about events
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
