package page

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/status"
	"mixduck/web/page/draw"
)

var (
	jobsView = &view{name: "jobs", title: "Jobs", tab: "jobs", build: buildJobs, parts: []string{"counts", "timeline", "list"}}
	jobView  = &view{name: "job", title: "Job", tab: "jobs", build: buildJob, parts: []string{"job"}}
)

const jobsAPage = 50

// jobsPage is a page of the list of jobs.
type jobsPage struct {
	Counts []stateCount `json:"counts"`
	Filter jobsFilter   `json:"filter"`
	Jobs   []jobLine    `json:"jobs"`
	Older  string       `json:"older,omitempty"` // query of the next page

	Timeline  draw.Chart `json:"-"`
	Projects  []string   `json:"-"` // to choose from
	Databases []string   `json:"-"` // to choose from
}

// Query returns the URL query of the page.
func (p jobsPage) Query() string { return p.Filter.query() }

// Choosable reports whether a job of the page can be cancelled or retried.
func (p jobsPage) Choosable() bool {
	return slices.ContainsFunc(p.Jobs, func(j jobLine) bool { return j.Cancel || j.Retry })
}

// Narrow reports whether only some jobs of a state are shown.
func (p jobsPage) Narrow() bool {
	return p.Filter.Kind != "" || p.Filter.Project != "" || p.Filter.Database != ""
}

// stateCount is the number of jobs in a state.
type stateCount struct {
	State jobs.State `json:"state"`
	Jobs  int        `json:"jobs"`
	Query string     `json:"-"` // that selects them
	On    bool       `json:"-"` // they are selected
}

// jobsFilter is what the query of the URL selects.
type jobsFilter struct {
	State    jobs.State `json:"state,omitempty"`
	Kind     jobs.Kind  `json:"kind,omitempty"`
	Project  string     `json:"project,omitempty"`
	Database string     `json:"database,omitempty"`
	Before   string     `json:"before,omitempty"` // ID of a job; only older ones are shown
}

// query returns a URL query that selects the same jobs.
func (f jobsFilter) query() string {
	q := url.Values{}
	for key, value := range map[string]string{
		"state": string(f.State), "kind": string(f.Kind), "project": f.Project, "database": f.Database, "before": f.Before,
	} {
		if value != "" {
			q.Set(key, value)
		}
	}
	return q.Encode()
}

// jobLine is a job as lists and the page of a job show it.
type jobLine struct {
	ID         string        `json:"id"`
	Kind       jobs.Kind     `json:"kind"`
	State      jobs.State    `json:"state"`
	What       string        `json:"what"`
	Project    string        `json:"project,omitempty"`
	Table      string        `json:"table,omitempty"`
	Database   string        `json:"database"`
	Schedule   string        `json:"schedule,omitempty"`
	Standing   string        `json:"standing"`          // what it does or waits for
	Reason     string        `json:"reason,omitempty"`  // why it waits, or how it ended
	Summary    string        `json:"summary,omitempty"` // of a finished job
	Worker     string        `json:"worker,omitempty"`
	CreatedAt  time.Time     `json:"created_at"`
	StartedAt  time.Time     `json:"started_at,omitzero"`
	FinishedAt time.Time     `json:"finished_at,omitzero"`
	Took       time.Duration `json:"-"`
	TookSec    float64       `json:"duration_seconds"`
	LeftFor    time.Duration `json:"-"`                      // estimate; 0 for none
	LeftSec    float64       `json:"left_seconds,omitempty"` // estimate
	Progress   jobs.Progress `json:"progress"`
	Failure    *jobs.Failure `json:"failure,omitempty"`
	Cancel     bool          `json:"can_cancel"`
	Retry      bool          `json:"can_retry"`
}

// newJobLine returns the line of a job. names are the names of projects by ID.
func newJobLine(job jobs.Record, names map[string]string, now time.Time) jobLine {
	line := jobLine{
		ID: job.ID, Kind: job.Kind, State: job.State, What: status.What(job), Project: cmp.Or(names[job.Project], job.Project), Table: job.Table(), Database: job.Database,
		Schedule: job.Schedule, Standing: status.Standing(job, now), Reason: status.Reason(job), Worker: job.Worker, CreatedAt: job.CreatedAt,
		StartedAt: job.StartedAt, FinishedAt: job.FinishedAt, Took: status.Took(job, now), Progress: job.Progress, Failure: job.Failure,
	}
	line.TookSec = line.Took.Seconds()
	if left, ok := status.TimeLeft(job, now); ok {
		line.LeftFor, line.LeftSec = left, left.Seconds()
	}
	final := job.State.Final()
	if job.State == jobs.StateDone {
		line.Summary = strings.TrimPrefix(status.Summary(job), string(jobs.StateDone)+": ")
	}
	line.Cancel = !final
	line.Retry = job.State == jobs.StateFailed || job.State == jobs.StateCancelled
	return line
}

func buildJobs(ctx context.Context, p *Page, b *Backend, r *http.Request) (any, error) {
	q := r.URL.Query()
	f := jobsFilter{
		State: jobs.State(q.Get("state")), Kind: jobs.Kind(q.Get("kind")), Project: q.Get("project"), Database: q.Get("database"), Before: q.Get("before"),
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return nil, err
	}
	found, err := b.Queue.List(ctx, queue.Filter{
		State: f.State, Kind: f.Kind, Project: f.Project, Database: f.Database, Before: f.Before, Limit: jobsAPage + 1,
	})
	if err != nil {
		return nil, err
	}
	page := jobsPage{Filter: f, Jobs: []jobLine{}}
	if len(found) > jobsAPage {
		found = found[:jobsAPage]
		older := f
		older.Before = found[jobsAPage-1].ID
		page.Older = older.query()
	}
	for _, job := range found {
		page.Jobs = append(page.Jobs, newJobLine(job, l.names, l.at))
	}
	page.Databases = databases(l)
	for _, known := range l.projects {
		page.Projects = append(page.Projects, known.Name)
	}
	if page.Timeline, err = p.timelines.get(l, func() (draw.Chart, error) { return p.timeline(ctx, b, l) }); err != nil {
		return nil, err
	}
	for _, state := range append([]jobs.State{""}, states...) {
		one := jobsFilter{State: state, Kind: f.Kind, Project: f.Project, Database: f.Database}
		page.Counts = append(page.Counts, stateCount{State: state, Jobs: l.counts[state], Query: one.query(), On: f.State == state})
	}
	return page, nil
}

// states are all states, in the order of a job's life.
var states = []jobs.State{
	jobs.StateRunning, jobs.StateQueued, jobs.StateWaiting, jobs.StatePaused, jobs.StateRetrying, jobs.StateFailed, jobs.StateDone, jobs.StateCancelled,
}

func (f jobsFilter) check() error {
	if f.Kind != "" && !slices.Contains(jobs.Kinds(), f.Kind) {
		return fault.Usage("fetch, edit, query, ask or publish", "unknown kind %q", f.Kind)
	}
	if f.State == "" || slices.Contains(states, f.State) {
		return nil
	}
	return fault.Usage("running, queued, waiting, paused, retrying, failed, done or cancelled", "unknown state %q", f.State)
}

// jobPage is a job with its attempts and windows.
type jobPage struct {
	jobLine

	Attempts    []attemptLine      `json:"attempts"`
	Windows     []jobs.WindowState `json:"windows"`
	Shown       []jobs.WindowState `json:"-"`
	More        int                `json:"-"` // windows that are done and not shown
	MaxAttempts int                `json:"max_attempts"`
	Command     string             `json:"command,omitempty"` // that asks for the same
}

func buildJob(ctx context.Context, p *Page, b *Backend, r *http.Request) (any, error) {
	job, err := b.Queue.Job(ctx, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return nil, err
	}
	page := jobPage{jobLine: newJobLine(job, l.names, p.cfg.Now()), Attempts: []attemptLine{}, Windows: []jobs.WindowState{}, MaxAttempts: job.MaxAttempts, Command: commandOf(job)}
	attempts, err := b.Queue.AttemptsOf(ctx, []string{job.ID})
	if err != nil {
		return nil, err
	}
	for _, a := range attempts[job.ID] {
		page.Attempts = append(page.Attempts, newAttemptLine(a))
	}
	if job.Kind == jobs.KindFetch {
		windows, err := b.Queue.Windows(ctx, job.ID)
		if err != nil {
			return nil, err
		}
		page.Windows = append(page.Windows, windows...)
		page.Shown, page.More = shownWindows(page.Windows)
	}
	return page, nil
}

// commandOf returns the command that asks for the same as a job; "" if there is none.
func commandOf(job jobs.Record) string {
	f := job.Fetch
	switch {
	case job.Kind == jobs.KindQuery && job.Query.SQL != "":
		return formOf(job.Query).command()
	case job.Kind != jobs.KindFetch || f.StreamName() != stream.Events || f.Days == (day.Range{}):
		return ""
	}
	words := []string{"enqueue", "fetch", "events", f.Table, "--project", f.Project, "--database", f.Database, "--from", f.Days.From.String(), "--to", f.Days.To.String()}
	if f.Mode != jobs.ModeSync && f.Mode != "" {
		words = append(words, "--"+string(f.Mode))
	}
	for _, name := range f.Events {
		words = append(words, "--event", name)
	}
	if f.Where != "" {
		words = append(words, "--where", f.Where)
	}
	if f.Promote != "" {
		words = append(words, "--promote", f.Promote)
	}
	return wording.Shell(words...)
}
