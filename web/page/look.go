package page

import (
	"context"
	"slices"
	"strconv"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
	"mixduck/jobs/status"
)

// look is the state of the queue at a point in time, with the data that several pages show.
type look struct {
	at        time.Time
	tables    []status.Table
	schedules []schedule.State
	days      map[string]map[string]jobs.Days // by database and table
	workers   []jobs.WorkerInfo
	lanes     []jobs.LaneInfo
	counts    map[jobs.State]int
	running   []jobs.Record
	held      []jobs.Record // paused, because another program has the database open
	projects  []jobs.ProjectInfo
	names     map[string]string // of projects, by ID
	budgets   []projectBudget
}

// projectBudget is the budget of a project.
type projectBudget struct {
	Project      string    `json:"project"`
	Left         int       `json:"left"`
	Limit        int       `json:"limit"`
	RefillsAt    time.Time `json:"refills_at,omitzero"`
	BlockedUntil time.Time `json:"blocked_until,omitzero"`
}

// look reads the state of the queue.
func (p *Page) look(ctx context.Context, b *Backend) (*look, error) {
	l := &look{at: p.cfg.Now(), counts: map[jobs.State]int{}, names: map[string]string{}}
	survey, err := status.Survey{MaxLag: status.DefaultMaxLag, Now: l.at}.Read(ctx, b.Queue, b.Schedules)
	if err != nil {
		return nil, err
	}
	for _, p := range survey.Projects {
		l.names[strconv.FormatInt(p.ID, 10)] = p.Name
	}
	l.tables, l.schedules, l.days, l.projects = survey.Judge(), survey.Schedules, survey.Days, survey.Projects
	if l.workers, err = b.Queue.Workers(ctx); err != nil {
		return nil, err
	}
	if l.lanes, err = b.Queue.Lanes(ctx); err != nil {
		return nil, err
	}
	counts, err := b.Queue.Counts(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range counts {
		l.counts[c.State] = c.Jobs
	}
	if l.running, err = b.Queue.List(ctx, queue.Filter{State: jobs.StateRunning}); err != nil {
		return nil, err
	}
	if l.counts[jobs.StatePaused] > 0 {
		paused, err := b.Queue.List(ctx, queue.Filter{State: jobs.StatePaused})
		if err != nil {
			return nil, err
		}
		l.held = slices.DeleteFunc(paused, func(r jobs.Record) bool { return r.Progress.Held == nil })
	}
	l.budgets, err = budgets(ctx, b.Budgets, survey.Projects)
	return l, err
}

// budgets returns the budget of exports of each project.
func budgets(ctx context.Context, b Budgets, projects []jobs.ProjectInfo) ([]projectBudget, error) {
	if b == nil {
		return nil, nil
	}
	all := make([]projectBudget, 0, len(projects))
	for _, p := range projects {
		s, err := b.State(ctx, budget.Export.Of(strconv.FormatInt(p.ID, 10)))
		if err != nil {
			return nil, err
		}
		all = append(all, projectBudget{Project: p.Name, Left: s.Left, Limit: s.Limit, RefillsAt: s.RefillsAt, BlockedUntil: s.BlockedUntil})
	}
	return all, nil
}
