package page

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/schedule"
	"mixduck/jobs/status"
)

var (
	schedulesView = &view{name: "schedules", title: "Schedules", tab: "schedules", build: buildSchedules, parts: []string{"list"}}
	scheduleView  = &view{name: "schedule", title: "Schedule", tab: "schedules", build: buildSchedule}
)

// scheduleLine is a schedule as the page shows it.
type scheduleLine struct {
	Name      string    `json:"name"`
	Project   string    `json:"project"`
	Stream    string    `json:"stream"`
	Tables    []string  `json:"tables"`
	Database  string    `json:"database"`
	Cron      string    `json:"cron"`
	Zone      string    `json:"timezone"` // of Cron
	Mode      jobs.Mode `json:"mode"`
	Lookback  int       `json:"lookback"` // days; 0 for streams without days
	Paused    bool      `json:"paused"`
	Disabled  bool      `json:"disabled"` // in its configuration file
	Added     bool      `json:"added"`    // by a command, not by a configuration file
	CreatedAt time.Time `json:"created_at"`
	Next      time.Time `json:"next_run_at,omitzero"`
	LastTick  time.Time `json:"last_tick,omitzero"`
	LastRun   time.Time `json:"last_run_at,omitzero"` // when the last job was submitted
	LastJob   string    `json:"last_job,omitempty"`
	Result    string    `json:"result,omitempty"` // of the last job
	Failed    bool      `json:"failed"`           // the last job failed
	Dated     bool      `json:"-"`

	History []tickLine `json:"history,omitempty"` // newest first; not in lists
}

// tickLine is a past tick of a schedule.
type tickLine struct {
	Tick    time.Time            `json:"tick"`
	Outcome schedule.TickOutcome `json:"outcome"`
	Job     string               `json:"job,omitempty"`
	At      time.Time            `json:"at"` // when it was handled
}

func buildSchedules(ctx context.Context, p *Page, b *Backend, _ *http.Request) (any, error) {
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return nil, err
	}
	lines := make([]scheduleLine, 0, len(l.schedules))
	for _, s := range l.schedules {
		line, err := newScheduleLine(ctx, b, s, l.names, l.at)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func newScheduleLine(ctx context.Context, b *Backend, s schedule.State, names map[string]string, now time.Time) (scheduleLine, error) {
	line := scheduleLine{
		Name: s.Name, Project: cmp.Or(names[s.Project], s.Project), Stream: cmp.Or(s.Stream, stream.Events), Tables: status.TablesOf(s), Database: s.Database, Cron: s.Cron,
		Zone: s.Zone, Mode: s.Mode, Lookback: s.Lookback, Paused: s.Paused, Disabled: s.Disabled, Added: len(s.Files) == 0, CreatedAt: s.CreatedAt,
		LastTick: s.LastTick, LastJob: s.LastJob, Dated: s.Dated(),
	}
	read, err := status.ReadSchedule(ctx, b.Queue, s, now)
	line.Next = read.Next
	if job := read.Last; job != nil {
		line.LastRun, line.Result, line.Failed = job.CreatedAt, status.Result(*job), job.State == jobs.StateFailed
	}
	return line, err
}

func buildSchedule(ctx context.Context, p *Page, b *Backend, r *http.Request) (any, error) {
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return nil, err
	}
	now := p.cfg.Now()
	s, err := b.Schedules.Get(ctx, r.PathValue("name"), now)
	if err != nil {
		return nil, err
	}
	line, err := newScheduleLine(ctx, b, s, l.names, now)
	if err != nil {
		return nil, err
	}
	ticks, err := b.Schedules.History(ctx, s.Name)
	for _, t := range ticks {
		line.History = append(line.History, tickLine(t))
	}
	return line, err
}
