package jobs

import (
	"errors"
	"slices"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/stream"
)

// TableState describes a table filled by fetches: its content after the last attempt that wrote to the database, and
// the outcomes of its fetches. Its JSON form is stored: fields are only ever added.
type TableState struct {
	Project  string `json:"project"`  // as named by the last fetch; before one, the project ID
	Database string `json:"database"` // volume/relative path; always with the volume
	Table    string `json:"table"`

	Type         string    `json:"type,omitempty"` // "" or events; otherwise the stream of a table without days
	Rows         int64     `json:"rows"`
	First        *day.Day  `json:"first,omitempty"`         // first stored day; nil if there is none
	LastComplete *day.Day  `json:"last_complete,omitempty"` // newest stored day that had ended when it was fetched; nil if there is none
	Complete     int       `json:"complete"`                // days
	Partial      int       `json:"partial"`                 // days
	Unavailable  int       `json:"unavailable"`             // days that Mixpanel no longer serves
	Missing      int       `json:"missing"`                 // unknown days between the first and the last stored one
	Quarantined  int64     `json:"quarantined"`             // lines
	FetchedAt    time.Time `json:"fetched_at,omitzero"`     // when one of its days was last requested, or its last refresh began
	FileBytes    int64     `json:"file_bytes"`              // size of the database
	TimeWarning  string    `json:"time_warning,omitempty"`  // what event times show about the project's settings
	Verified     *Verified `json:"verified,omitempty"`      // the last comparison with Mixpanel after a fetch; nil for none
	Added        int64     `json:"added,omitempty"`         // rows, by the last refresh of a table without days
	Updated      int64     `json:"updated,omitempty"`       // rows, like Added
	Removed      int64     `json:"removed,omitempty"`       // rows, like Added
	ReadAt       time.Time `json:"read_at,omitzero"`        // when this was read from the database; zero if never

	Job         string        `json:"job"`                   // of the last fetch
	SucceededAt time.Time     `json:"succeeded_at,omitzero"` // when a fetch last succeeded; zero if never
	Failure     *Failure      `json:"failure,omitempty"`     // of the last fetch, nil if it succeeded; pauses and shutdowns do not change it
	Failing     []FailingDays `json:"failing,omitempty"`     // days that failed and were not fetched since, ascending
}

// FailingDays is a range of failed days with the reason.
type FailingDays struct {
	Days    day.Range `json:"days"`
	Message string    `json:"message"` // a single line
}

const (
	maxFailing        = 20 // ranges of days per table
	maxFailingMessage = 300
)

// TableReport describes a database after an attempt that wrote to it.
type TableReport struct {
	Tables  []TableState    // what was read from the database
	Unread  bool            // reading failed; Tables is ignored in favor of what is known
	Failing []FailingDays   // of the attempt's fetch
	Brought []day.Day       // if the fetch was for some of its days: those that it fetched, or that are unavailable
	Err     error           // how the attempt ended; nil for success
	Days    map[string]Days // of the tables that have days, by name
}

// Dated reports whether the table has days.
func (t *TableState) Dated() bool { return t.Type == "" || t.Type == stream.Events }

// Merge updates what is known about the tables of a job's database.
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
		for _, old := range known { // keeps fetches into tables that were never created
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
		refreshed(tables, known, of, now)
	case of.Edit.Action == ActionDropAll && r.Err == nil:
		return nil
	case of.Edit.Action == ActionDrop: // failed, if the table was never created
		tables = slices.DeleteFunc(tables, func(t TableState) bool { return t.Table == of.Edit.Table && (r.Err == nil || t.ReadAt.IsZero()) })
	}
	return tables
}

// refreshed records success for each further table that the attempt has refreshed: those of the fetch's stream with a
// later refresh than the known one.
func refreshed(tables, known []TableState, job Record, now time.Time) {
	info, err := stream.Find(job.Fetch.Stream)
	if err != nil { // of a newer version
		return
	}
	for _, name := range info.Tables(job.Fetch.Table)[1:] {
		t, old := find(tables, name), find(known, name)
		if t == nil || t.FetchedAt.IsZero() || old != nil && !t.FetchedAt.After(old.FetchedAt) {
			continue
		}
		t.Project, t.Job, t.SucceededAt, t.Failure = job.Project, job.ID, now, nil
	}
}

func find(tables []TableState, name string) *TableState {
	i := slices.IndexFunc(tables, func(t TableState) bool { return t.Table == name })
	if i < 0 {
		return nil
	}
	return &tables[i]
}

// fetched records how a fetch ended.
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
	if r.Err == nil || len(r.Failing) > 0 { // then all other days of the fetch are stored
		t.Failing = slices.DeleteFunc(slices.Clone(t.Failing), func(f FailingDays) bool { return r.settles(job.Fetch, f.Days) })
	}
	for _, f := range r.Failing {
		f.Message = shorten(OneLine(f.Message), maxFailingMessage)
		t.Failing = append(t.Failing, f)
	}
	slices.SortFunc(t.Failing, func(a, b FailingDays) int { return int(a.Days.From - b.Days.From) })
	t.Failing = t.Failing[max(0, len(t.Failing)-maxFailing):]
}

// settles reports whether the report of a fetch has news about all days of a range: each was fetched, or is reported
// again.
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

// Some reports whether a fetch selects its days when it runs.
func (f Fetch) Some() bool { return f.Due != nil || !f.LateSince.IsZero() }
