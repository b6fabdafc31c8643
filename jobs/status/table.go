// Package status judges tables and jobs, and describes them in words, for the command line and the page.
package status

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/schedule"
)

// Verdict says whether a table meets its schedules.
type Verdict string

// The verdicts.
const (
	Fresh       Verdict = "fresh"
	Stale       Verdict = "stale"       // its last complete day ended too long ago
	Failing     Verdict = "failing"     // a day that ended too long ago could not be fetched
	New         Verdict = "new"         // no day is complete yet, and the schedule is new
	Unscheduled Verdict = "unscheduled" // it has no schedule
)

// Table says how up to date a table is.
type Table struct {
	Project   jobs.ProjectInfo // at least with its name
	State     jobs.TableState  // only names if no fetch into the table has ended
	Schedules []schedule.State
	Behind    time.Duration // since the last complete day ended or, without one, since the schedule was created; 0 if unknown
	Next      time.Time     // next run of a schedule; zero for never
	Verdict   Verdict

	Completeness Completeness
	Gaps         Gaps // empty without a day map

	Loading bool // days are stored, but no attempt of its first fetch has ended
}

// Bad reports whether the table needs attention.
func (f Table) Bad() bool { return f.Verdict == Stale || f.Verdict == Failing }

// Survey is the input for judging tables.
type Survey struct {
	Projects  []jobs.ProjectInfo
	Tables    []jobs.TableState
	Schedules []schedule.State
	Days      map[string]map[string]jobs.Days // day maps by database and table; may be nil
	MaxLag    time.Duration                   // since the end of the last complete day
	All       bool                            // also judge tables without a schedule
	Now       time.Time
}

// DefaultMaxLag gives a day until noon of the second day after it.
const DefaultMaxLag = 36 * time.Hour

// Source is the part of a queue that a survey reads; [queue.Queue] is one.
type Source interface {
	Projects(ctx context.Context) ([]jobs.ProjectInfo, error)
	Tables(ctx context.Context) ([]jobs.TableState, error)
	AllDays(ctx context.Context, databases []string) (map[string]map[string]jobs.Days, error)
}

// Lister lists schedules; [schedule.Store] does.
type Lister interface {
	List(ctx context.Context, now time.Time) ([]schedule.State, error)
}

// Read returns s with what the queue knows at s.Now.
func (s Survey) Read(ctx context.Context, q Source, schedules Lister) (_ Survey, err error) {
	if s.Projects, err = q.Projects(ctx); err != nil {
		return s, err
	}
	if s.Tables, err = q.Tables(ctx); err != nil {
		return s, err
	}
	if s.Schedules, err = schedules.List(ctx, s.Now); err != nil {
		return s, err
	}
	var databases []string
	for _, t := range s.Tables {
		databases = append(databases, t.Database)
	}
	for _, schedule := range s.Schedules { // the first fetch into its database may be running
		databases = append(databases, schedule.Database)
	}
	s.Days, err = q.AllDays(ctx, databases)
	return s, err
}

// Judge returns all tables that were fetched or are scheduled, ordered by project, database and name.
func (s Survey) Judge() []Table {
	type place struct{ database, table string }
	found := map[place]*Table{}
	at := func(project, database, table string) *Table {
		f := found[place{database, table}]
		if f == nil {
			f = &Table{Project: s.project(project), State: jobs.TableState{Project: project, Database: database, Table: table}}
			found[place{database, table}] = f
		}
		return f
	}
	for _, t := range s.Tables {
		at(t.Project, t.Database, t.Table).State = t
	}
	for _, schedule := range s.Schedules {
		for _, table := range TablesOf(schedule) {
			if table != schedule.Table && found[place{schedule.Database, table}] == nil {
				continue // the plan may lack the stream
			}
			f := at(schedule.Project, schedule.Database, table)
			f.Schedules = append(f.Schedules, schedule)
		}
	}
	all := make([]Table, 0, len(found))
	for _, f := range found {
		days := s.Days[f.State.Database][f.State.Table]
		follow(f, days)
		s.weigh(f)
		f.Completeness, f.Gaps = f.assess(days)
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Table) int {
		return cmp.Or(cmp.Compare(a.Project.Name, b.Project.Name), cmp.Compare(a.State.Database, b.State.Database), cmp.Compare(a.State.Table, b.State.Table))
	})
	return all
}

// TablesOf returns the tables that a schedule can fill. The first is the one that it names; the others may not exist, since
// the plan of the project may lack a stream.
func TablesOf(s schedule.State) []string {
	info, err := stream.Find(s.Stream)
	if err != nil { // of a newer version
		return []string{s.Table}
	}
	return info.Tables(s.Table)
}

// project returns what is known about the project with the given name or ID.
func (s Survey) project(called string) jobs.ProjectInfo {
	for _, p := range s.Projects {
		if p.Called(called) {
			return p
		}
	}
	id, _ := strconv.ParseInt(called, 10, 64) // 0 for an unknown name
	return jobs.ProjectInfo{Name: called, ID: id}
}

// weigh sets the fields derived from others.
func (s Survey) weigh(f *Table) {
	var made time.Time
	for _, schedule := range f.Schedules {
		if made.IsZero() || schedule.CreatedAt.Before(made) {
			made = schedule.CreatedAt
		}
		if schedule.Paused || schedule.Disabled {
			continue
		}
		if next, err := schedule.NextRun(s.Now); err == nil && !next.IsZero() && (f.Next.IsZero() || next.Before(f.Next)) {
			f.Next = next
		}
	}
	end, known := f.upTo()
	switch {
	case known:
		f.Behind = max(0, s.Now.Sub(end))
	case !made.IsZero():
		f.Behind = max(0, s.Now.Sub(made))
	}
	switch {
	case len(f.Schedules) == 0 && !s.All:
		f.Verdict = Unscheduled
	case f.Behind > s.MaxLag:
		f.Verdict = Stale
	case s.failing(f):
		f.Verdict = Failing
	case !known:
		f.Verdict = New
	default:
		f.Verdict = Fresh
	}
}

// upTo returns when the last complete day of the table ended or, for a table without days, when its last refresh began.
func (f Table) upTo() (time.Time, bool) {
	switch {
	case f.Loading: // the oldest days come first, so the last one says nothing
		return time.Time{}, false
	case !f.State.Dated():
		return f.State.FetchedAt, !f.State.FetchedAt.IsZero()
	case f.State.LastComplete != nil:
		return (*f.State.LastComplete + 1).Start(Zone(f.Project)), true
	}
	return time.Time{}, false
}

// failing reports whether a day that ended too long ago could not be fetched.
func (s Survey) failing(f *Table) bool {
	return slices.ContainsFunc(f.State.Failing, func(days jobs.FailingDays) bool {
		return s.Now.Sub((days.Days.From + 1).Start(Zone(f.Project))) > s.MaxLag
	})
}

// Zone returns the time zone in which days of the project end: UTC, except for projects created before 2023.
func Zone(p jobs.ProjectInfo) *time.Location {
	if !p.Shifted {
		return time.UTC
	}
	loc, err := jobs.LoadZone(p.Zone)
	if err != nil {
		return time.UTC // cannot happen: the worker that published the project checked it
	}
	return loc
}
