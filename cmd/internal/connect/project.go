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

// FindProject returns the project that a person calls named, "" for none, as far as the settings tell; known is false if
// only the workers can.
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

// Project does so with what the workers know, where no file of this machine says which projects there are. The project of
// an id that nobody knows is as the MP_* variables say.
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
