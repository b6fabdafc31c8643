package main

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/schedule"
)

// verdict says whether a table meets its schedules.
type verdict string

const (
	isFresh     verdict = "fresh"
	isStale     verdict = "stale"       // its last complete day ended too long ago
	isFailing   verdict = "failing"     // an earlier day has been failing for too long
	isNew       verdict = "new"         // no complete day yet, and the schedule is new
	unscheduled verdict = "unscheduled" // no schedule fills it
)

// freshness is how up to date a table is.
type freshness struct {
	project   jobs.ProjectInfo // as known by workers; at least the name
	state     jobs.TableState  // only names are set if no fetch into the table has ended
	schedules []schedule.State
	behind    time.Duration // since the last complete day ended or, if there is none, the schedule was created; 0 if unknown
	next      time.Time     // next run of a schedule; zero for never
	verdict   verdict
}

// bad reports whether the table needs attention.
func (f freshness) bad() bool { return f.verdict == isStale || f.verdict == isFailing }

// survey is the input for judging freshness.
type survey struct {
	projects  []jobs.ProjectInfo
	tables    []jobs.TableState
	schedules []schedule.State
	maxLag    time.Duration
	all       bool // include tables without a schedule
	now       time.Time
}

// judge returns the freshness of all fetched or scheduled tables, sorted by project, database and name.
func (s survey) judge() []freshness {
	type place struct{ database, table string }
	found := map[place]*freshness{}
	at := func(project, database, table string) *freshness {
		f := found[place{database, table}]
		if f == nil {
			f = &freshness{project: s.project(project), state: jobs.TableState{Project: project, Database: database, Table: table}}
			found[place{database, table}] = f
		}
		return f
	}
	for _, t := range s.tables {
		at(t.Project, t.Database, t.Table).state = t
	}
	for _, schedule := range s.schedules {
		for _, table := range tablesOf(schedule) {
			f := at(schedule.Project, schedule.Database, table)
			f.schedules = append(f.schedules, schedule)
		}
	}
	all := make([]freshness, 0, len(found))
	for _, f := range found {
		s.weigh(f)
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b freshness) int {
		return cmp.Or(cmp.Compare(a.project.Name, b.project.Name), cmp.Compare(a.state.Database, b.state.Database), cmp.Compare(a.state.Table, b.state.Table))
	})
	return all
}

// tablesOf returns the tables that a schedule fills.
func tablesOf(s schedule.State) []string {
	tables := []string{s.Table}
	if s.Stream == stream.All {
		for _, info := range stream.Keyed() {
			tables = append(tables, info.Table)
		}
	}
	return tables
}

// project returns what is known about the project with the given name or ID.
func (s survey) project(called string) jobs.ProjectInfo {
	for _, p := range s.projects {
		if p.Name == called || strconv.FormatInt(p.ID, 10) == called {
			return p
		}
	}
	id, _ := strconv.ParseInt(called, 10, 64) // 0 for an unknown name
	return jobs.ProjectInfo{Name: called, ID: id}
}

// weigh sets the fields derived from others.
func (s survey) weigh(f *freshness) {
	var made time.Time
	for _, schedule := range f.schedules {
		if made.IsZero() || schedule.CreatedAt.Before(made) {
			made = schedule.CreatedAt
		}
		if schedule.Paused || schedule.Disabled {
			continue
		}
		if next, err := schedule.NextRun(s.now); err == nil && !next.IsZero() && (f.next.IsZero() || next.Before(f.next)) {
			f.next = next
		}
	}
	end, known := f.upTo()
	switch {
	case known:
		f.behind = max(0, s.now.Sub(end))
	case !made.IsZero():
		f.behind = max(0, s.now.Sub(made))
	}
	switch {
	case len(f.schedules) == 0 && !s.all:
		f.verdict = unscheduled
	case f.behind > s.maxLag:
		f.verdict = isStale
	case s.failing(f):
		f.verdict = isFailing
	case !known:
		f.verdict = isNew
	default:
		f.verdict = isFresh
	}
}

// upTo returns the time up to which the table is complete: the end of its last complete day or, without days, its last
// refresh.
func (f freshness) upTo() (time.Time, bool) {
	switch {
	case !f.state.Dated():
		return f.state.FetchedAt, !f.state.FetchedAt.IsZero()
	case f.state.LastComplete != nil:
		return (*f.state.LastComplete + 1).Start(zoneOf(f.project)), true
	}
	return time.Time{}, false
}

// failing reports whether a failed day ended too long ago.
func (s survey) failing(f *freshness) bool {
	return slices.ContainsFunc(f.state.Failing, func(days jobs.FailingDays) bool {
		return s.now.Sub((days.Days.From + 1).Start(zoneOf(f.project))) > s.maxLag
	})
}

// zoneOf returns the zone in which a project's days end: UTC, except for projects from before 2023.
func zoneOf(p jobs.ProjectInfo) *time.Location {
	if !p.Shifted {
		return time.UTC
	}
	loc, err := jobs.LoadZone(p.Zone)
	if err != nil {
		return time.UTC // already checked by the worker
	}
	return loc
}
