package page

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/status"
)

var overviewView = &view{
	name: "overview", title: "Overview", tab: "overview", build: buildOverview, parts: []string{"notices", "tables", "running", "side"},
}

// overview shows whether anything needs attention.
type overview struct {
	At      time.Time       `json:"at"`
	Notices []notice        `json:"notices"`
	Well    bool            `json:"well"` // there are scheduled tables, and nothing needs attention
	Tables  []tableLine     `json:"tables"`
	Running []jobLine       `json:"running"`
	Waiting int             `json:"waiting"` // jobs
	Paused  int             `json:"paused"`  // jobs, until their retry or their budget
	Lanes   int             `json:"lanes"`   // in which jobs wait
	Budgets []projectBudget `json:"budgets"`
	Workers []workerLine    `json:"workers"`
}

// notice describes something that needs attention.
type notice struct {
	Bad   bool   `json:"bad"` // otherwise it is a warning
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
	Hint  string `json:"hint,omitempty"`
	Job   string `json:"job,omitempty"` // ID
	Retry bool   `json:"retry"`         // the job can be retried
}

// tableLine is a table in a list.
type tableLine struct {
	Project     string         `json:"project"`
	Table       string         `json:"table"`
	Database    string         `json:"database"` // with the volume
	Verdict     status.Verdict `json:"state"`
	Type        string         `json:"type"` // events, or another stream
	Complete    int            `json:"complete_days"`
	Missing     int            `json:"missing_days"`
	Partial     int            `json:"partial_days"`
	Unavailable int            `json:"unavailable_days"`
	Last        *day.Day       `json:"last_complete_day"` // nil for none
	RefreshedAt time.Time      `json:"refreshed_at,omitzero"`
	Behind      time.Duration  `json:"-"`
	BehindSec   float64        `json:"behind_seconds"`
	Rows        int64          `json:"rows"`
	Quarantined int64          `json:"quarantined_lines"`
	FileBytes   int64          `json:"file_bytes"`
	Next        time.Time      `json:"next_run_at,omitzero"`
	Idle        string         `json:"idle,omitempty"` // why there is no next run
	Trouble     string         `json:"trouble,omitempty"`
	Strip       []bar          `json:"-"` // the last days
	Query       string         `json:"-"` // of the table's page
	Dated       bool           `json:"-"` // it has days
	Gaps        string         `json:"-"` // days that keep it from being complete

	Completeness status.Completeness `json:"completeness"`
}

// workerLine is a worker in a list.
type workerLine struct {
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Volumes []string  `json:"volumes"`
	Started time.Time `json:"started"`
}

func buildOverview(ctx context.Context, p *Page, b *Backend, _ *http.Request) (any, error) {
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return nil, err
	}
	o := overview{At: l.at, Notices: notices(l), Tables: tableLines(l), Running: []jobLine{}, Budgets: l.budgets, Workers: workerLines(l.workers)}
	o.Well = len(o.Notices) == 0 && slices.ContainsFunc(l.tables, func(t status.Table) bool { return t.Verdict == status.Fresh })
	for _, job := range l.running {
		o.Running = append(o.Running, newJobLine(job, l.names, l.at))
	}
	o.Waiting = l.counts[jobs.StateWaiting] + l.counts[jobs.StateQueued]
	o.Paused = l.counts[jobs.StatePaused] + l.counts[jobs.StateRetrying]
	for _, lane := range l.lanes {
		if lane.Waiting > 0 || lane.State == jobs.StateQueued {
			o.Lanes++
		}
	}
	return o, nil
}

func workerLines(workers []jobs.WorkerInfo) []workerLine {
	lines := make([]workerLine, 0, len(workers))
	for _, w := range workers {
		line := workerLine{ID: w.ID, Host: w.Host, PID: w.PID, Version: w.Version, Started: w.Started}
		for _, v := range w.Volumes {
			line.Volumes = append(line.Volumes, v.Name)
		}
		lines = append(lines, line)
	}
	return lines
}

func tableLines(l *look) []tableLine {
	lines := make([]tableLine, 0, len(l.tables))
	for _, t := range l.tables {
		line := newTableLine(t)
		line.Strip = strip(l.days[t.State.Database][t.State.Table])
		lines = append(lines, line)
	}
	return lines
}

func newTableLine(t status.Table) tableLine {
	s := t.State
	line := tableLine{
		Project: t.Project.Name, Table: s.Table, Database: s.Database, Verdict: t.Verdict, Type: s.Type, Complete: s.Complete, Missing: s.Missing,
		Partial: s.Partial, Unavailable: s.Unavailable, Last: s.LastComplete, Behind: t.Behind, BehindSec: t.Behind.Seconds(), Rows: s.Rows,
		Quarantined: s.Quarantined, FileBytes: s.FileBytes, Next: t.Next, Completeness: t.Completeness, Dated: s.Dated(),
		Query: url.Values{"database": {s.Database}, "table": {s.Table}}.Encode(), Gaps: ranges(t.Gaps.All()),
	}
	if !s.Dated() {
		line.RefreshedAt = s.FetchedAt
	}
	if t.Next.IsZero() {
		line.Idle = "not scheduled"
		if len(t.Schedules) > 0 {
			line.Idle = "paused"
		}
	}
	switch {
	case len(s.Failing) > 0:
		line.Trouble = fmt.Sprintf("%s: %s", s.Failing[0].Days, s.Failing[0].Message)
	case s.Failure != nil:
		line.Trouble = s.Failure.Message
	}
	return line
}

// fullDisks returns notices about volumes with little free space: the limits are those of the alert.
func fullDisks(workers []jobs.WorkerInfo) []notice {
	const few, share = 2e9, 20
	var found []notice
	for _, w := range workers {
		for _, v := range w.Volumes {
			if d, known := w.Disks[v.Name]; known && (d.Free < few || d.Free < d.Size/share) {
				found = append(found, notice{
					Bad: true, Title: fmt.Sprintf("The disk of volume %s on %s is nearly full.", v.Name, w.Host), Text: size(d.Free) + " are left. Fetches fail when it is full.",
					Hint: "free some space on the disk",
				})
			}
		}
	}
	return found
}

// notices returns what needs attention, worst first.
func notices(l *look) []notice {
	var bad, warnings []notice
	if len(l.workers) == 0 {
		bad = append(bad, notice{Bad: true, Title: "No worker is running.", Text: "Jobs wait until one starts.", Hint: "start a worker with 'worker run'"})
	}
	bad = append(bad, fullDisks(l.workers)...)
	for _, r := range l.held {
		name := cmp.Or(l.names[r.Project], r.Project) + " / " + r.Table()
		warnings = append(warnings, notice{Title: name + ": another program has the database open.", Text: "The job " + r.Progress.Held.String() + ".", Job: r.ID})
	}
	for _, t := range l.tables {
		s := t.State
		name := t.Project.Name + " / " + s.Table
		n := notice{Job: s.Job}
		if s.Failure != nil {
			n.Text, n.Hint, n.Retry = s.Failure.Message, s.Failure.Hint, true
		}
		switch {
		case t.Verdict == status.Stale && t.Loading:
			n.Bad, n.Title = true, name+" is still in its first fetch, although its schedule is "+wording.ShortTime(t.Behind)+" old."
		case t.Verdict == status.Stale && s.LastComplete == nil && s.Dated():
			n.Bad, n.Title = true, name+" has no complete day yet, although its schedule is "+wording.ShortTime(t.Behind)+" old."
		case t.Verdict == status.Stale:
			n.Bad, n.Title = true, name+" is stale: its last complete day ended "+wording.ShortTime(t.Behind)+" ago."
		case t.Verdict == status.Failing:
			n.Bad, n.Title = true, fmt.Sprintf("%s: %s cannot be fetched.", name, s.Failing[0].Days)
			n.Text = s.Failing[0].Message
		case t.Completeness == status.Incomplete && s.Dated():
			n.Title, n.Text = name+" is not complete.", "Missing or partial: "+cmp.Or(ranges(t.Gaps.All()), wording.Counted(int64(s.Missing), "day"))
		case s.Failure != nil:
			n.Title = "The last fetch into " + name + " failed."
		}
		switch {
		case n.Bad:
			bad = append(bad, n)
		case n.Title != "":
			warnings = append(warnings, n)
		}
		if s.TimeWarning != "" {
			warnings = append(warnings, notice{Title: "The event times in " + name + " look wrong.", Text: s.TimeWarning})
		}
	}
	return append(bad, warnings...)
}
