package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mixduck/internal/cron"
	"mixduck/internal/name"
)

// volumes reads the volumes of the file, unless a flag or variable sets them.
func (l *loader) volumes(n *node, cfg *Config) {
	if n == nil || n.kind == blank || len(cfg.Volumes) > 0 || l.sources["volumes"].origin != "" {
		return
	}
	if n.kind != mapping {
		l.complain("volumes", l.in(n.at), errors.New("must map names to directories, for example {main: /data}"))
		return
	}
	l.sources["volumes"] = l.in(n.at)
	for _, e := range n.entries {
		err := name.Volume(e.key)
		var dir string
		if err == nil {
			dir, err = e.value.scalar()
		}
		if err == nil {
			dir, err = tidy(dir)
		}
		if err == nil && strings.TrimSpace(dir) == "" {
			err = errors.New("is empty")
		}
		if err == nil {
			err = cfg.addVolume(e.key, l.path(dir))
		}
		if err != nil {
			l.complain("volumes."+e.key, l.in(e.at), err)
		}
	}
}

// projects reads projects from the MP_* variables and the file.
func (l *loader) projects(n *node, cfg *Config) {
	apply(l, "project.", nil, &cfg.Fallback, fallbackSettings())
	if n == nil || n.kind == blank || n.kind == mapping && len(n.entries) == 0 {
		if cfg.Fallback.ID != 0 {
			cfg.Projects = []Project{cfg.Unlisted(cfg.Fallback.ID)}
		}
		return
	}
	if n.kind != mapping {
		l.complain("projects", l.in(n.at), errors.New("must map names to projects, for example {web: {id: 12345}}"))
		return
	}
	cfg.named = true
	for _, e := range n.entries {
		cfg.Projects = append(cfg.Projects, l.project(e, cfg))
	}
	if id := cfg.Fallback.ID; id != 0 {
		if _, err := cfg.Project(""); err != nil {
			l.complain("project.id", l.sources["project.id"], errors.New(err.Error())) // without the hint, which is for a command
		}
	}
}

func (l *loader) project(e entry, cfg *Config) Project {
	prefix := "projects." + e.key + "."
	p := cfg.Fallback
	p.Name, p.ID, p.Username, p.Secret = e.key, 0, "", Project{}.Secret
	if err := checkName(e.key); err != nil {
		l.complain(strings.TrimSuffix(prefix, "."), l.in(e.at), err)
	}
	for _, key := range []string{"region", "timezone", "time_encoding", "snapshot"} {
		l.sources[prefix+key] = l.sources["project."+key]
	}
	all := projectSettings(projectEnv(e.key))
	l.checkKeys(e.value, prefix, append(keysOf(all), "tables"))
	apply(l, prefix, e.value, &p, all)
	if l.sources[prefix+"username"].origin == "" && l.sources[prefix+"secret"].origin == "" {
		p.Username, p.Secret = cfg.Fallback.Username, cfg.Fallback.Secret
		l.sources[prefix+"username"], l.sources[prefix+"secret"] = l.sources["project.username"], l.sources["project.secret"]
	}
	require(l, prefix, e.at, all)
	l.tables(prefix+"tables", e.value.get("tables"), &p)
	if p.Database == "" {
		p.Database = defaultDatabase(p.ID)
	}
	l.checkAgainst(prefix, e, p, cfg.Projects)
	return p
}

// checkAgainst reports conflicts between a project and others.
func (l *loader) checkAgainst(prefix string, e entry, p Project, others []Project) {
	for _, other := range others {
		where := func(key string) source { return cmp.Or(l.sources[prefix+key], l.in(e.at)) }
		switch {
		case ProjectVariable(other.Name, "") == ProjectVariable(p.Name, ""):
			l.complain("projects."+p.Name, l.in(e.at), fmt.Errorf("%s has the same environment variables: choose another name", other.Name))
		case other.ID == p.ID && p.ID != 0:
			l.complain(prefix+"id", where("id"), fmt.Errorf("project %s has the same id", other.Name))
		case other.Database == p.Database && p.ID != 0:
			l.complain(prefix+"database", where("database"), fmt.Errorf("project %s has the same database; they would overwrite each other's days", other.Name))
		}
	}
}

// require reports required settings that are missing.
func require[T any](l *loader, prefix string, at position, all []setting[T]) {
	for _, s := range all {
		if s.needed != "" && l.sources[prefix+s.key].origin == "" {
			l.complain(prefix+s.key, l.in(at), errors.New("is missing: "+s.needed))
		}
	}
}

func (l *loader) tables(key string, n *node, p *Project) {
	if n == nil || n.kind == blank {
		return
	}
	if n.kind != mapping {
		l.complain(key, l.in(n.at), errors.New("must map table names to filters, for example {signups: {events: [Sign Up]}}"))
		return
	}
	for _, e := range n.entries {
		prefix := key + "." + e.key
		t := Table{Name: e.key}
		if err := name.Table(e.key); err != nil {
			l.complain(prefix, l.in(e.at), err)
		}
		if p.Table(e.key).Name != e.key || slices.ContainsFunc(p.Tables, func(o Table) bool { return o.Name == e.key }) {
			l.complain(prefix, l.in(e.at), errors.New("is the same table as another; DuckDB ignores case in names"))
		}
		l.checkKeys(e.value, prefix+".", keysOf(tableSettings()))
		apply(l, prefix+".", e.value, &t, tableSettings())
		p.Tables = append(p.Tables, t)
	}
}

// schedules reads the schedules of the file.
func (l *loader) schedules(n *node, cfg *Config) {
	if n == nil || n.kind == blank {
		return
	}
	if n.kind != sequence {
		l.complain("schedules", l.in(n.at), errors.New("must be a list, for example [{name: morning, project: web, cron: 15 6 * * *}]"))
		return
	}
	for i, item := range n.items {
		prefix := "schedules[" + strconv.Itoa(i) + "]."
		if called := item.get("name"); called != nil && checkName(called.text) == nil {
			prefix = "schedules." + called.text + "."
		}
		s := cfg.newSchedule()
		l.checkKeys(item, prefix, keysOf(scheduleSettings()))
		if item.kind != mapping {
			continue
		}
		l.schedule(prefix, item, &s, cfg)
		cfg.Schedules = append(cfg.Schedules, s)
	}
}

func (l *loader) schedule(prefix string, item *node, s *Schedule, cfg *Config) {
	where := func(key string) source { return cmp.Or(l.sources[prefix+key], l.in(item.at)) }
	if slices.ContainsFunc(cfg.Schedules, func(o Schedule) bool { return o.Name != "" && "schedules."+o.Name+"." == prefix }) {
		l.complain(strings.TrimSuffix(prefix, "."), l.in(item.get("name").at), errors.New("another schedule has this name"))
		return
	}
	apply(l, prefix, item, s, scheduleSettings())
	require(l, prefix, item.at, scheduleSettings())
	if s.Cron != "" {
		if _, err := cron.Parse(s.Cron, cmp.Or(s.Location, time.UTC)); err != nil { // errors do not depend on the zone
			l.complain(prefix+"cron", where("cron"), err)
		}
	}
	if l.broken {
		return
	}
	p, err := cfg.Project(s.Project)
	if len(cfg.Projects) == 0 {
		err = errors.New("no projects: add them under projects, or set MP_PROJECT_ID")
	}
	if err != nil {
		l.complain(prefix+"project", where("project"), errors.New(err.Error())) // without the hint, which is for a command
		return
	}
	s.adopt(p)
	if key, err := s.misfit(); err != nil {
		l.complain(prefix+key, where(key), err)
		return
	}
	for _, o := range cfg.Schedules {
		if o.Database == s.Database && strings.EqualFold(o.Table, s.Table) && o.Project != s.Project {
			l.complain(prefix+"table", where("table"), fmt.Errorf("schedule %s fills this table with events of project %s", o.Name, o.Project))
			continue
		}
		if o.Database != s.Database || !strings.EqualFold(o.Table, s.Table) {
			continue
		}
		switch {
		case !sameNames(o.Events, s.Events):
			l.complain(prefix+"events", where("events"), fmt.Errorf("schedule %s fills the same table with other events; use one set of events per table", o.Name))
			return
		case o.Where != s.Where:
			l.complain(prefix+"where", where("where"), fmt.Errorf("schedule %s fills the same table with another expression; use one expression per table", o.Name))
			return
		}
	}
}

// sameNames reports whether a and b contain the same names in any order.
func sameNames(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}
