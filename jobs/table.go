package jobs

import (
	"errors"
	"slices"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/stream"
)

// TableState is what is known of a table that fetches fill: what the database held after the last attempt that wrote to it,
// and how fetches into the table have ended. Its JSON form is stored: fields are only ever added.
type TableState struct {
	Project  string `json:"project"`  // as the last fetch called it; before one, its id
	Database string `json:"database"` // volume/relative path, with the volume
	Table    string `json:"table"`

	Type         string    `json:"type,omitempty"` // "" or events; or the stream of a table that has no days
	Rows         int64     `json:"rows"`
	First        *day.Day  `json:"first,omitempty"`         // that is stored; nil if none is
	LastComplete *day.Day  `json:"last_complete,omitempty"` // the newest that was over when it was fetched; nil if none is
	Complete     int       `json:"complete"`                // days
	Partial      int       `json:"partial"`                 // days
	Unavailable  int       `json:"unavailable"`             // days that Mixpanel no longer serves
	Missing      int       `json:"missing"`                 // days of which nothing is known, between the first and the last that is stored
	Quarantined  int64     `json:"quarantined"`             // lines
	FetchedAt    time.Time `json:"fetched_at,omitzero"`     // when a day of it was last asked for, or its last refresh began
	FileBytes    int64     `json:"file_bytes"`              // of the database
	TimeWarning  string    `json:"time_warning,omitempty"`  // what the times of its events tell of the project's settings
	ReadAt       time.Time `json:"read_at,omitzero"`        // when all this was read from the database; zero if it never was

	Job         string        `json:"job"`                   // of the last fetch
	SucceededAt time.Time     `json:"succeeded_at,omitzero"` // when a fetch last ended well; zero if none has
	Failure     *Failure      `json:"failure,omitempty"`     // of the last fetch, nil if it ended well; pauses and shutdowns are no ends
	Failing     []FailingDays `json:"failing,omitempty"`     // days that could not be had and no fetch has brought since, ascending
}

// FailingDays is a run of days that could not be had, and why.
type FailingDays struct {
	Days    day.Range `json:"days"`
	Message string    `json:"message"` // one line
}

const (
	maxFailing        = 20 // runs of days of a table
	maxFailingMessage = 300
)

// TableReport is what is known of a database after an attempt that wrote to it.
type TableReport struct {
	Tables  []TableState  // that it holds: what was read from it
	Unread  bool          // it could not be read; Tables is to be what is known already
	Failing []FailingDays // of the attempt's fetch
	Brought []day.Day     // of a fetch of some of its days, those that it has brought, or that are not to be had
	Err     error         // with which the attempt ended, nil if well
}

// Dated reports whether the table has days.
func (t *TableState) Dated() bool { return t.Type == "" || t.Type == stream.Events }

// Merge brings what is known of the tables of a job's database up to date.
func Merge(known []TableState, of Record, r TableReport, now time.Time) []TableState {
	tables := known
	if !r.Unread {
		tables = nil
		for _, t := range r.Tables {
			t.Database, t.ReadAt = of.Database, now
			if old := find(known, t.Table); old != nil {
				t.Project = old.Project
				t.Job, t.SucceededAt, t.Failure, t.Failing = old.Job, old.SucceededAt, old.Failure, old.Failing
			}
			tables = append(tables, t)
		}
		for _, old := range known { // fetches into a table that never came to be are not forgotten
			if old.ReadAt.IsZero() && find(tables, old.Table) == nil {
				tables = append(tables, old)
			}
		}
	}
	switch {
	case of.Kind == KindFetch:
		if find(tables, of.Fetch.Table) == nil {
			tables = append(tables, TableState{Database: of.Database, Table: of.Fetch.Table})
		}
		find(tables, of.Fetch.Table).fetched(of, r, now)
	case of.Edit.Action == ActionDropAll && r.Err == nil:
		return nil
	case of.Edit.Action == ActionDrop: // failed, if it never came to be
		tables = slices.DeleteFunc(tables, func(t TableState) bool { return t.Table == of.Edit.Table && (r.Err == nil || t.ReadAt.IsZero()) })
	}
	return tables
}

func find(tables []TableState, name string) *TableState {
	i := slices.IndexFunc(tables, func(t TableState) bool { return t.Table == name })
	if i < 0 {
		return nil
	}
	return &tables[i]
}

// fetched notes how a fetch has ended.
func (t *TableState) fetched(job Record, r TableReport, now time.Time) {
	t.Project, t.Job = job.Project, job.ID
	_, paused := errors.AsType[*pauseError](r.Err)
	switch {
	case paused, errors.Is(r.Err, ErrShutdown), errors.Is(r.Err, ErrCancelled), errors.Is(r.Err, ErrLaneLost):
		return
	case r.Err == nil:
		t.SucceededAt, t.Failure = now, nil
	default:
		t.Failure = FailureOf(r.Err, now)
	}
	if r.Err == nil || len(r.Failing) > 0 { // then all other days of the fetch are there
		t.Failing = slices.DeleteFunc(slices.Clone(t.Failing), func(f FailingDays) bool { return r.settles(job.Fetch, f.Days) })
	}
	for _, f := range r.Failing {
		f.Message = shorten(OneLine(f.Message), maxFailingMessage)
		t.Failing = append(t.Failing, f)
	}
	slices.SortFunc(t.Failing, func(a, b FailingDays) int { return int(a.Days.From - b.Days.From) })
	t.Failing = t.Failing[max(0, len(t.Failing)-maxFailing):]
}

// settles reports whether more is known of all days of a run since a fetch: it has brought each, or reports it anew.
func (r TableReport) settles(f Fetch, run day.Range) bool {
	if !f.Some() {
		return f.Days.Contains(run.From) && f.Days.Contains(run.To)
	}
	for d := range run.All() {
		again := func(f FailingDays) bool { return f.Days.Contains(d) }
		if !slices.Contains(r.Brought, d) && !slices.ContainsFunc(r.Failing, again) {
			return false
		}
	}
	return true
}

// Some reports whether a fetch chooses when it runs which of its days it fetches.
func (f Fetch) Some() bool { return f.Due != nil || !f.LateSince.IsZero() }
