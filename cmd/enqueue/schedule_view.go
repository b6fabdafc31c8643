package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"mixduck/cmd/internal/console"
	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
	"mixduck/jobs/status"
)

// scheduleView is a schedule with what is shown about it.
type scheduleView struct {
	status.ScheduleState
	zone    *time.Location
	history []schedule.Tick // not loaded for lists
}

func newScheduleViews(ctx context.Context, q *queue.Queue, states []schedule.State, now time.Time) ([]scheduleView, error) {
	read, err := status.ReadSchedules(ctx, q, states, now)
	if err != nil {
		return nil, err
	}
	all := make([]scheduleView, len(read))
	for i, s := range read {
		zone, err := jobs.LoadZone(s.ProjectZone)
		if err != nil {
			return nil, err
		}
		all[i] = scheduleView{ScheduleState: s, zone: zone}
	}
	return all, nil
}

// scheduleObject is a schedule in --format json. Fields are only ever added.
type scheduleObject struct {
	Name            string        `json:"name"`
	Project         string        `json:"project"`
	ProjectTimezone string        `json:"project_timezone"`
	Stream          string        `json:"stream"`
	Database        string        `json:"database"`
	Table           string        `json:"table"`
	Events          []string      `json:"events"` // null for all
	Where           string        `json:"where"`
	Promote         string        `json:"promote"`
	Cron            string        `json:"cron"`
	Timezone        string        `json:"timezone"` // zone of cron
	Start           *day.Day      `json:"start"`    // null: the day of creation, minus the lookback
	Lookback        int           `json:"lookback"` // days
	IncludeToday    bool          `json:"include_today"`
	Mode            jobs.Mode     `json:"mode"`
	Priority        jobs.Priority `json:"priority"`
	JitterSeconds   float64       `json:"jitter_seconds"`
	CatchUpSeconds  float64       `json:"catch_up_seconds"`
	Overlap         jobs.Overlap  `json:"overlap"`
	MaxAttempts     int           `json:"max_attempts"`
	Enabled         bool          `json:"enabled"`
	Paused          bool          `json:"paused"`
	Workers         []string      `json:"workers"` // workers with it in their files; null if added by a person
	CreatedAt       *time.Time    `json:"created_at"`
	NextRun         *time.Time    `json:"next_run"` // RFC 3339, UTC; null while paused or not enabled
	LastTick        *time.Time    `json:"last_tick"`
	LastJob         *object       `json:"last_job"` // in the form of "jobs show"; null for none
	History         []tickObject  `json:"history"`  // only in "show", newest first; null in lists

	FullEverySeconds float64 `json:"full_every_seconds"` // for incremental profiles; 0 for never
	KeepsVersions    bool    `json:"keeps_versions"`     // for profiles
	Group            string  `json:"group"`              // ID of a group key; "" for none
	Verify           string  `json:"verify"`             // for events: true or repair; "" for no comparison
	ReportIDs        []int64 `json:"report_ids"`         // for reports; null for all
}

// tickObject is a past tick.
type tickObject struct {
	Tick    *time.Time           `json:"tick"`
	Outcome schedule.TickOutcome `json:"outcome"` // job, skipped, missed or empty
	Job     string               `json:"job"`     // "" for none
	At      *time.Time           `json:"at"`
}

func newScheduleObject(v scheduleView) scheduleObject {
	s := v.Schedule
	o := scheduleObject{
		Name: s.Name, Project: s.Project, ProjectTimezone: s.ProjectZone, Stream: s.Stream, Database: s.Database, Table: s.Table,
		Events: s.Events, Where: s.Where, Promote: s.Promote, Cron: s.Cron, Timezone: s.Zone, Lookback: s.Lookback, IncludeToday: s.IncludeToday,
		Mode: s.Mode, Priority: s.Priority, JitterSeconds: s.Jitter.Seconds(), CatchUpSeconds: s.CatchUp.Seconds(), Overlap: s.Overlap,
		MaxAttempts: s.MaxAttempts, Enabled: !s.Disabled, Paused: v.Paused, FullEverySeconds: s.FullEvery.Seconds(), KeepsVersions: s.History, Group: s.Group, Verify: s.Verify, ReportIDs: s.ReportIDs, Workers: v.Files,
		CreatedAt: timeOrNull(v.CreatedAt), NextRun: timeOrNull(v.Next), LastTick: timeOrNull(v.LastTick),
	}
	if s.Start != 0 {
		o.Start = &s.Start
	}
	if v.Last != nil {
		last := newObject(*v.Last, time.Now())
		o.LastJob = &last
	}
	for _, t := range v.history {
		o.History = append(o.History, tickObject{timeOrNull(t.Tick), t.Outcome, t.Job, timeOrNull(t.At)})
	}
	return o
}

// zoned is the format of times that may not be in the reader's zone.
const zoned = "2006-01-02 15:04:05 MST"

// scheduleRows returns a heading and a row per schedule; local is the reader's zone.
func scheduleRows(all []scheduleView, local *time.Location) [][]string {
	rows := [][]string{{"NAME", "CRON", "TABLE", "LAST RUN", "RESULT", "NEXT RUN", "IN THE PROJECT'S TIME ZONE"}}
	for _, v := range all {
		lastRun, result := "", ""
		if v.Last != nil {
			lastRun, result = v.Last.CreatedAt.In(local).Format(zoned), wording.Printable(status.Result(*v.Last))
		}
		next, project := standstill(v), ""
		if next == "" {
			next, project = v.Next.In(local).Format(zoned), v.Next.In(v.zone).Format(zoned)
		}
		rows = append(rows, []string{v.Name, wording.Printable(v.Cron), filled(v.Schedule) + " of " + status.Database(v.Database), lastRun, result, next, project})
	}
	return rows
}

// filled names what a schedule fills.
func filled(s jobs.Schedule) string {
	if s.Stream == stream.All {
		return "all streams"
	}
	return s.Table
}

// modeOf describes how a schedule fetches.
func modeOf(s jobs.Schedule) string {
	mode := string(s.Mode)
	if s.FullEvery > 0 {
		every := console.Span(s.FullEvery)
		mode += ", with a full refresh every " + every.String()
	}
	if s.History {
		mode += ", keeping all versions"
	}
	switch s.Verify {
	case jobs.VerifyReport:
		mode += ", then verify"
	case jobs.VerifyRepair:
		mode += ", then verify and repair"
	}
	return mode
}

// standstill returns why a schedule does not run, "" if it does.
func standstill(v scheduleView) string {
	switch {
	case v.Disabled:
		return "not enabled"
	case v.Paused:
		return "paused"
	}
	return ""
}

// ticksShown is the number of past ticks shown to people.
const ticksShown = 10

// scheduleDetails describes a schedule, one item per line.
func scheduleDetails(v scheduleView, local *time.Location) string {
	var l lines
	l.add("schedule", v.Name)
	l.add("cron", fmt.Sprintf("%s in %s", v.Cron, v.Zone))
	next := standstill(v)
	if next == "" {
		next = v.Next.In(local).Format(zoned)
		if project := v.Next.In(v.zone).Format(zoned); project != next {
			next += ", for the project " + project
		}
	}
	l.add("next", next)
	if v.Last != nil {
		l.add("last", fmt.Sprintf("%s, %s, job %s", v.Last.CreatedAt.In(local).Format(zoned), status.Result(*v.Last), v.Last.ID))
	}
	l.add("project", fmt.Sprintf("%s in %s", v.Project, v.ProjectZone))
	l.add("database", v.Database)
	l.add("stream", cmp.Or(v.Stream, stream.Events))
	l.add("table", strings.Join(status.TablesOf(v.State), ", "))
	if v.Dated() {
		l.add("days", describeDays(v))
	}
	l.add("mode", modeOf(v.Schedule))
	l.add("group", v.Group)
	l.add("reports", stream.JoinReportIDs(v.ReportIDs))
	l.add("events", console.JoinNames(v.Events))
	l.add("where", v.Where)
	l.add("promote", v.Promote)
	l.add("priority", string(v.Priority))
	if v.Jitter > 0 {
		l.add("jitter", wording.ShortTime(v.Jitter))
	}
	l.add("overlap", string(v.Overlap))
	l.add("catch-up", wording.ShortTime(v.CatchUp))
	origin := "added"
	if len(v.Files) > 0 {
		origin = "configuration file of worker " + strings.Join(v.Files, ", ")
	}
	l.add("origin", origin)
	l.addTime("created", v.CreatedAt)
	for i, t := range v.history {
		if i == ticksShown {
			break
		}
		l.add("run", strings.TrimSpace(fmt.Sprintf("%s %s %s", t.Tick.In(local).Format(zoned), t.Outcome, t.Job)))
	}
	return l.b.String()
}

// describeDays describes the days that a schedule keeps.
func describeDays(v scheduleView) string {
	first, last := "lookback before the creation of the schedule", "yesterday"
	if v.Start != 0 {
		first = v.Start.String()
	}
	if v.IncludeToday {
		last = "today"
	}
	return fmt.Sprintf("from %s to %s, re-fetching the last %d", first, last, v.Lookback)
}
