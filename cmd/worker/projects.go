package main

import (
	"errors"
	"fmt"
	"strconv"

	"mixduck/config"
	"mixduck/internal/buildinfo"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/mixpanel"
)

// projects finds the project of a job and its Mixpanel client.
type projects struct {
	cfg     config.Config
	clients map[int64]*mixpanel.Client // by project ID, if the file lists the projects
	any     *mixpanel.Client           // for all projects, if it does not
}

// newProjects does not connect. It reports all unusable projects at once.
func newProjects(cfg config.Config, page *page) (*projects, error) {
	ps := &projects{cfg: cfg, clients: map[int64]*mixpanel.Client{}}
	var err error
	if !cfg.Named() {
		ps.any, err = newClient(cfg, cfg.Fallback, page)
		return ps, err
	}
	var problems []error
	for _, p := range cfg.Projects {
		if ps.clients[p.ID], err = newClient(cfg, p, page); err != nil {
			problems = append(problems, fmt.Errorf("project %s: %w", p, err))
		}
	}
	return ps, errors.Join(problems...)
}

func newClient(cfg config.Config, p config.Project, page *page) (*mixpanel.Client, error) {
	if cfg.Named() && (p.Username == "" || p.Secret.IsZero()) {
		return nil, fault.New(fault.CodeAuth, "'worker validate' shows the settings and their sources",
			"no service account credentials: set username and secret_file in %s, or set %s and %s",
			cfg.File, config.ProjectVariable(p.Name, "username"), config.ProjectVariable(p.Name, "secret"))
	}
	return mixpanel.New(mixpanel.Config{
		Region: mixpanel.Region(p.Region), BaseURL: cfg.Mixpanel.BaseURL, Username: p.Username, Secret: p.Secret,
		FirstByteTimeout: cfg.Mixpanel.FirstByteTimeout, IdleTimeout: cfg.Mixpanel.IdleTimeout,
		UserAgent: "mixduck/" + buildinfo.Version(), Observer: page,
	})
}

// find returns the project with a name or ID, and its client. If no file lists projects, any ID is accepted.
func (ps *projects) find(named string) (config.Project, *mixpanel.Client, error) {
	if !ps.cfg.Named() {
		id, err := strconv.ParseInt(named, 10, 64)
		if err != nil {
			return config.Project{}, nil, fault.Usage("use the project's id, or add the project to the worker's configuration file",
				"this worker does not know project %q", named)
		}
		return ps.cfg.Unlisted(id), ps.any, nil
	}
	p, err := config.Find(ps.cfg.Projects, named)
	if err != nil {
		return p, nil, fault.Usage("add it to "+ps.cfg.File+" of the worker, restart the worker, and retry the job", "this worker does not know project %q", named)
	}
	return p, ps.clients[p.ID], nil
}

// infos returns what is published about the projects.
func (ps *projects) infos() []jobs.ProjectInfo {
	infos := make([]jobs.ProjectInfo, len(ps.cfg.Projects))
	for i, p := range ps.cfg.Projects {
		infos[i] = jobs.ProjectInfo{Name: p.Name, ID: p.ID, Zone: p.Location.String(), Shifted: p.Shifted, Database: p.Database}
		for _, t := range p.Tables {
			infos[i].Tables = append(infos[i].Tables, jobs.TableInfo(t))
		}
	}
	return infos
}
