package page

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/internal/wording"
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
	Files     []string  `json:"workers,omitempty"` // with it in their configuration file

	Upcoming []runLine `json:"next_runs,omitempty"` // not in lists

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
	read, err := status.ReadSchedules(ctx, b.Queue, l.schedules, l.at)
	if err != nil {
		return nil, err
	}
	lines := make([]scheduleLine, len(read))
	for i, s := range read {
		lines[i] = newScheduleLine(s, l.names)
	}
	return lines, nil
}

// readScheduleLine reads the last job of one schedule.
func readScheduleLine(ctx context.Context, b *Backend, s schedule.State, names map[string]string, now time.Time) (scheduleLine, error) {
	read, err := status.ReadSchedule(ctx, b.Queue, s, now)
	return newScheduleLine(read, names), err
}

func newScheduleLine(s status.ScheduleState, names map[string]string) scheduleLine {
	line := scheduleLine{
		Name: s.Name, Project: cmp.Or(names[s.Project], s.Project), Stream: cmp.Or(s.Stream, stream.Events), Tables: status.TablesOf(s.State), Database: s.Database, Cron: s.Cron,
		Zone: s.Zone, Mode: s.Mode, Lookback: s.Lookback, Paused: s.Paused, Disabled: s.Disabled, Added: len(s.Files) == 0, CreatedAt: s.CreatedAt,
		LastTick: s.LastTick, LastJob: s.LastJob, Dated: s.Dated(), Files: s.Files, Next: s.Next,
	}
	if job := s.Last; job != nil {
		line.LastRun, line.Result, line.Failed = job.CreatedAt, status.Result(*job), job.State == jobs.StateFailed
	}
	return line
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
	line, err := readScheduleLine(ctx, b, s, l.names, now)
	if err != nil {
		return nil, err
	}
	if !line.Next.IsZero() {
		if line.Upcoming, err = upcoming(s.Schedule, now); err != nil {
			return nil, err
		}
	}
	ticks, err := b.Schedules.History(ctx, s.Name)
	for _, t := range ticks {
		line.History = append(line.History, tickLine(t))
	}
	return line, err
}

// runLine is a future run of a schedule.
type runLine struct {
	At     time.Time `json:"at"`
	Local  string    `json:"local"`            // in the zone of the cron entry
	Change string    `json:"change,omitempty"` // of the clock in this zone, on this day
}

const runsShown = 5

// upcoming returns the next runs of a schedule.
func upcoming(s jobs.Schedule, now time.Time) ([]runLine, error) {
	ticks, err := s.Ticks()
	if err != nil {
		return nil, err
	}
	var all []runLine
	for range runsShown {
		now = ticks.Next(now)
		if now.IsZero() {
			break
		}
		local := now.In(ticks.Location())
		all = append(all, runLine{At: s.FiresAt(ticks, now), Local: local.Format("Mon 2 Jan 15:04 MST"), Change: clockChange(local)})
	}
	return all, nil
}

// clockChange says how the clock changes on the day of t, in the zone of t; "" if it does not.
func clockChange(t time.Time) string {
	d := day.Of(t)
	_, before := d.Start(t.Location()).Zone()
	_, after := (d + 1).Start(t.Location()).Zone()
	switch {
	case after > before:
		return "clocks go forward by " + wording.ShortTime(time.Duration(after-before)*time.Second)
	case after < before:
		return "clocks go back by " + wording.ShortTime(time.Duration(before-after)*time.Second)
	}
	return ""
}
