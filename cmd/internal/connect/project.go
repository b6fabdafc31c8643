package connect

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"mixduck/config"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// FindProject returns the project given by a person ("" for none), from the settings alone. known is false if only the
// workers know it.
func FindProject(cfg config.Config, named string) (p config.Project, known bool, err error) {
	own := strconv.FormatInt(cfg.Fallback.ID, 10)
	switch {
	case cfg.Named():
		p, err = cfg.Project(named)
		return p, true, err
	case cfg.Fallback.ID != 0 && (named == "" || named == own):
		return cfg.Unlisted(cfg.Fallback.ID), true, nil
	case named != "":
		return p, false, config.CheckProject(named)
	}
	return p, false, nil
}

// Project also uses what the workers know if no file on this machine lists projects. If the ID is unknown, the project
// comes from the MP_* variables.
func Project(ctx context.Context, q *queue.Queue, cfg config.Config, named string) (config.Project, error) {
	p, known, err := FindProject(cfg, named)
	if known || err != nil {
		return p, err
	}
	listed, err := q.Projects(ctx)
	if err != nil {
		return p, err
	}
	all := make([]config.Project, len(listed))
	for i, info := range listed {
		if all[i], err = fromInfo(info); err != nil {
			return p, err
		}
	}
	p, err = config.Find(all, named)
	if id, none := strconv.ParseInt(named, 10, 64); err != nil && none == nil {
		return cfg.Unlisted(id), nil
	}
	return p, err
}

func fromInfo(i jobs.ProjectInfo) (config.Project, error) {
	loc, err := time.LoadLocation(i.Zone)
	if err != nil {
		return config.Project{}, fmt.Errorf("project %s: %w", i.Name, err)
	}
	p := config.Project{Name: i.Name, ID: i.ID, Location: loc, Shifted: i.Shifted, Database: i.Database}
	for _, t := range i.Tables {
		p.Tables = append(p.Tables, config.Table(t))
	}
	return p, nil
}
