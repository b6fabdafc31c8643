package page

import (
	"context"
	"net/http"

	"mixduck/jobs"
)

var (
	settingsView = &view{name: "settings", title: "Settings", tab: "settings", build: buildSettings}
	tablesView   = &view{name: "tables", title: "Tables", tab: "tables", build: buildTables, parts: []string{"list"}}
)

// settingsPage shows the effective settings, and the login.
type settingsPage struct {
	Settings []Setting     `json:"settings"` // of the worker that answers
	Projects []projectLine `json:"projects"`
	Workers  []workerLine  `json:"workers"`
	Sessions int64         `json:"sessions"`
}

// projectLine is a project that workers know.
type projectLine struct {
	jobs.ProjectInfo

	Budget *projectBudget `json:"budget"` // nil if requests are not counted
}

func buildSettings(ctx context.Context, p *Page, b *Backend, _ *http.Request) (any, error) {
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return nil, err
	}
	s := settingsPage{Settings: b.Settings, Workers: workerLines(l.workers)}
	if s.Sessions, err = b.Sessions.Count(ctx); err != nil {
		return nil, err
	}
	projects, err := b.Queue.Projects(ctx)
	if err != nil {
		return nil, err
	}
	for i, project := range projects {
		line := projectLine{ProjectInfo: project}
		if i < len(l.budgets) && l.budgets[i].Project == project.Name {
			line.Budget = &l.budgets[i]
		}
		s.Projects = append(s.Projects, line)
	}
	return s, nil
}

func buildTables(ctx context.Context, p *Page, b *Backend, _ *http.Request) (any, error) {
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return nil, err
	}
	return tableLines(l), nil
}
