package main

import (
	"time"

	"mixduck/cmd/internal/console"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
)

// object is a job as --format json prints it. Fields are only ever added.
type object struct {
	ID              string       `json:"id"`
	Kind            jobs.Kind    `json:"kind"`
	State           jobs.State   `json:"state"`
	Project         string       `json:"project"`
	Database        string       `json:"database"`
	Table           string       `json:"table"`
	From            *day.Day     `json:"from"` // null for jobs that are no fetches, and for all days that are stored
	To              *day.Day     `json:"to"`
	Rows            int64        `json:"rows"` // stored now by this job
	Duplicates      int64        `json:"duplicates"`
	Quarantined     int64        `json:"quarantined"`
	WindowsDone     int          `json:"windows_done"`
	WindowsTotal    int          `json:"windows_total"`
	Requests        int          `json:"requests"`
	Bytes           int64        `json:"bytes"`
	Attempts        int          `json:"attempts"`
	Error           *objectError `json:"error"`            // of the last attempt that failed; null for a job that is done
	StartedAt       *time.Time   `json:"started_at"`       // RFC 3339, UTC; null before
	FinishedAt      *time.Time   `json:"finished_at"`      // likewise
	DurationSeconds float64      `json:"duration_seconds"` // from the start to the end, or to now

	MaxAttempts int        `json:"max_attempts"`
	Mode        jobs.Mode  `json:"mode"`
	Events      []string   `json:"events"` // null for all
	Where       string     `json:"where"`
	Force       bool       `json:"force"`
	Retries     int        `json:"retries"` // windows asked again
	Note        string     `json:"note"`
	CreatedAt   *time.Time `json:"created_at"`
	RunAt       *time.Time `json:"run_at"`   // of a job that is paused or retrying
	Position    int        `json:"position"` // jobs before it in its lane
	Worker      string     `json:"worker"`

	Priority jobs.Priority `json:"priority"`
	Behind   string        `json:"behind"`   // the job right before it in its lane
	Unserved bool          `json:"unserved"` // no worker lives that could run it
	Joined   bool          `json:"joined"`   // it was there before it was asked for

	Action  jobs.Action   `json:"action"`  // of an edit
	SQL     string        `json:"sql"`     // of a query
	Inspect string        `json:"inspect"` // of a query that asks a question with a name
	Result  *resultObject `json:"result"`  // of a query that is done; else null

	Added       int64 `json:"added"` // rows of days that were stored before, which were not there
	Removed     int64 `json:"removed"`
	Updated     int64 `json:"updated"`
	DaysLeft    int   `json:"days_left"`   // that are due, and left to another job
	Unavailable int   `json:"unavailable"` // days that Mixpanel no longer serves

	LateSince *time.Time `json:"late_since"` // null for other fetches
	LateDays  string     `json:"late_days"`  // on which late events were found, as from..to or a day, separated by commas

	Schedule string     `json:"schedule"` // that made the job; "" if a person did
	Tick     *time.Time `json:"tick"`     // of the schedule; null for none
	Piece    int        `json:"piece"`    // 0 is the tick's own job, others fetch older days that it has left

	Warnings []string `json:"warnings"` // what a person should know though the job goes on; [] for none
	Trouble  string   `json:"trouble"`  // the last window that failed and why; "" once another has succeeded

	RowsChanged int64 `json:"rows_changed"` // by recomputing promoted columns

	Stream    string `json:"stream"`    // of a fetch
	Unchanged int64  `json:"unchanged"` // rows of streams other than events that are as they were
}

// resultObject is what a query has found, without the rows.
type resultObject struct {
	Columns   []jobs.Column `json:"columns"`
	Rows      int64         `json:"rows"`
	Bytes     int64         `json:"bytes"`
	Truncated bool          `json:"truncated"`
	Format    jobs.Format   `json:"format"`
	Expires   *time.Time    `json:"expires"`
}

type objectError struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Hint    string     `json:"hint"`
}

func newObject(r jobs.Record, now time.Time) object {
	o := object{
		ID: r.ID, Kind: r.Kind, State: r.State, Project: r.Project, Database: r.Database, Table: tableOf(r),
		Rows: r.Progress.Rows, Duplicates: r.Progress.Duplicates,
		Quarantined: r.Progress.Quarantined, WindowsDone: r.Progress.WindowsDone, WindowsTotal: r.Progress.WindowsTotal,
		Requests: r.Progress.Requests, Bytes: r.Progress.Bytes, Attempts: r.Attempt,
		StartedAt: timeOrNull(r.StartedAt), FinishedAt: timeOrNull(r.FinishedAt),
		DurationSeconds: took(r, now).Round(time.Millisecond).Seconds(),
		MaxAttempts:     r.MaxAttempts, Mode: r.Fetch.Mode, Events: r.Fetch.Events, Where: r.Fetch.Where, Force: r.Fetch.Force,
		Retries: r.Progress.Retries, Note: r.Progress.Note, CreatedAt: timeOrNull(r.CreatedAt), RunAt: timeOrNull(r.RunAt),
		Position: r.Position, Worker: r.Worker, Priority: r.Priority, Behind: r.Behind, Unserved: r.Unserved, Joined: r.Joined,
	}
	o.Schedule, o.Tick, o.Piece = r.Schedule, timeOrNull(r.Tick), r.Piece
	o.Action, o.SQL, o.Inspect = r.Edit.Action, r.Query.SQL, r.Query.Inspect
	o.Added, o.Removed, o.Updated = r.Progress.Added, r.Progress.Removed, r.Progress.Updated
	o.DaysLeft, o.Unavailable = r.Progress.DaysLeft, r.Progress.Unavailable
	o.Trouble, o.RowsChanged = r.Progress.Trouble, r.Progress.RowsChanged
	o.Warnings = console.Warnings(r.Progress.Warnings)
	o.LateSince, o.LateDays = timeOrNull(r.Fetch.LateSince), r.Progress.LateDays
	if o.Unchanged = r.Progress.Unchanged; r.Kind == jobs.KindFetch {
		o.Stream = r.Fetch.StreamName()
	}
	if r.Kind == jobs.KindFetch && r.Fetch.Days != (day.Range{}) {
		o.From, o.To = &r.Fetch.Days.From, &r.Fetch.Days.To
	}
	if found := r.Result; found != nil {
		o.Result = &resultObject{found.Columns, found.Rows, found.Bytes, found.Truncated, r.Query.Format, timeOrNull(found.Expires)}
	}
	if r.Failure != nil && r.State != jobs.StateDone {
		o.Error = &objectError{Code: r.Failure.Code, Message: r.Failure.Message, Hint: r.Failure.Hint}
	}
	return o
}

// tableOf returns the table that a job is about, "" for all or none.
func tableOf(r jobs.Record) string {
	if r.Kind == jobs.KindEdit {
		return r.Edit.Table
	}
	return r.Fetch.Table
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// took returns how long the job has been at it, breaks included; 0 before it started.
func took(r jobs.Record, now time.Time) time.Duration {
	switch {
	case r.StartedAt.IsZero():
		return 0
	case !r.FinishedAt.IsZero():
		now = r.FinishedAt
	}
	return max(0, now.Sub(r.StartedAt))
}
