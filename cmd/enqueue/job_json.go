package main

import (
	"time"

	"mixduck/cmd/internal/console"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/question"
	"mixduck/jobs"
	"mixduck/jobs/status"
)

// object is a job in --format json. Fields are only ever added.
type object struct {
	ID              string       `json:"id"`
	Kind            jobs.Kind    `json:"kind"`
	State           jobs.State   `json:"state"`
	Project         string       `json:"project"`
	Database        string       `json:"database"`
	Table           string       `json:"table"`
	From            *day.Day     `json:"from"` // null for other kinds, and for all stored days
	To              *day.Day     `json:"to"`
	Rows            int64        `json:"rows"` // stored by this job
	Duplicates      int64        `json:"duplicates"`
	Quarantined     int64        `json:"quarantined"`
	WindowsDone     int          `json:"windows_done"`
	WindowsTotal    int          `json:"windows_total"`
	Requests        int          `json:"requests"`
	Bytes           int64        `json:"bytes"`
	Attempts        int          `json:"attempts"`
	Error           *objectError `json:"error"`            // of the last failed attempt; null for a done job
	StartedAt       *time.Time   `json:"started_at"`       // RFC 3339, UTC; null before
	FinishedAt      *time.Time   `json:"finished_at"`      // RFC 3339, UTC; null before
	DurationSeconds float64      `json:"duration_seconds"` // from start to end, or until now

	MaxAttempts int        `json:"max_attempts"`
	Mode        jobs.Mode  `json:"mode"`
	Events      []string   `json:"events"` // null for all
	Where       string     `json:"where"`
	Force       bool       `json:"force"`
	Retries     int        `json:"retries"` // windows requested again
	Note        string     `json:"note"`
	CreatedAt   *time.Time `json:"created_at"`
	RunAt       *time.Time `json:"run_at"`   // if paused or retrying
	Position    int        `json:"position"` // jobs before it in its lane
	Worker      string     `json:"worker"`

	Priority jobs.Priority `json:"priority"`
	Behind   string        `json:"behind"`   // the job directly before it in its lane
	Unserved bool          `json:"unserved"` // no live worker can run it
	Joined   bool          `json:"joined"`   // it already existed

	Action  jobs.Action   `json:"action"`  // for edits
	SQL     string        `json:"sql"`     // for queries
	Inspect string        `json:"inspect"` // for named inspections
	Result  *resultObject `json:"result"`  // for finished queries; otherwise null

	Added       int64 `json:"added"` // new rows of days that were already stored
	Removed     int64 `json:"removed"`
	Updated     int64 `json:"updated"`
	DaysLeft    int   `json:"days_left"`   // due, but left to another job
	Unavailable int   `json:"unavailable"` // days that Mixpanel no longer serves

	LateSince *time.Time `json:"late_since"` // null for other fetches
	LateDays  string     `json:"late_days"`  // days with late events, as from..to or single days, separated by commas

	Schedule string     `json:"schedule"` // the schedule that made the job; "" if a person did
	Tick     *time.Time `json:"tick"`     // of the schedule; null for none
	Piece    int        `json:"piece"`    // 0 for the job of the tick itself; the others fetch older days that it left

	Warnings []string `json:"warnings"` // warnings for people, though the job goes on; [] for none
	Trouble  string   `json:"trouble"`  // the last failed window and why; "" once another has succeeded

	RowsChanged int64 `json:"rows_changed"` // by filling or recomputing promoted columns

	Views        int `json:"views"`         // typed views of the database, after enqueue model
	ColumnsAdded int `json:"columns_added"` // to them

	Stream    string `json:"stream"`    // for fetches
	Unchanged int64  `json:"unchanged"` // unchanged rows, of streams other than events

	Verified *verifiedObject `json:"verified"` // the comparison with Mixpanel after the fetch; null for none
	Held     *jobs.Held      `json:"held"`     // paused: the program that has the database open; otherwise null

	Question *question.Question `json:"question"` // of "enqueue ask"; null for other jobs

	ReportIDs []int64 `json:"report_ids"` // of fetches of reports; null for all

	DaysPublished int `json:"days_published"` // to the lake
	DaysDue       int `json:"days_due"`       // of which this many were due
}

// verifiedObject is a comparison of a table with Mixpanel's counts. Fields are only ever added.
type verifiedObject struct {
	At          *time.Time `json:"at"`
	From        *day.Day   `json:"from"` // null if nothing was compared
	To          *day.Day   `json:"to"`
	Events      int        `json:"events"`      // event names compared
	Differences int        `json:"differences"` // events on a day that are counted differently
	Repaired    int        `json:"repaired"`    // days that were fetched again
	Problem     string     `json:"problem"`     // why nothing was compared, or days were not fetched again; "" for none
}

func newVerifiedObject(v *jobs.Verified) *verifiedObject {
	if v == nil {
		return nil
	}
	o := &verifiedObject{At: timeOrNull(v.At), Events: v.Events, Differences: v.Differences, Repaired: v.Repaired, Problem: v.Problem}
	if v.Days != (day.Range{}) {
		o.From, o.To = &v.Days.From, &v.Days.To
	}
	return o
}

// resultObject is the result of a query, without the rows.
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
		ID: r.ID, Kind: r.Kind, State: r.State, Project: r.Project, Database: r.Database, Table: r.Table(),
		Rows: r.Progress.Rows, Duplicates: r.Progress.Duplicates,
		Quarantined: r.Progress.Quarantined, WindowsDone: r.Progress.WindowsDone, WindowsTotal: r.Progress.WindowsTotal,
		Requests: r.Progress.Requests, Bytes: r.Progress.Bytes, Attempts: r.Attempt,
		StartedAt: timeOrNull(r.StartedAt), FinishedAt: timeOrNull(r.FinishedAt),
		DurationSeconds: status.Took(r, now).Round(time.Millisecond).Seconds(),
		MaxAttempts:     r.MaxAttempts, Mode: r.Fetch.Mode, Events: r.Fetch.Events, Where: r.Fetch.Where, Force: r.Fetch.Force,
		Retries: r.Progress.Retries, Note: r.Progress.Note, CreatedAt: timeOrNull(r.CreatedAt), RunAt: timeOrNull(r.RunAt),
		Position: r.Position, Worker: r.Worker, Priority: r.Priority, Behind: r.Behind, Unserved: r.Unserved, Joined: r.Joined,
	}
	o.ReportIDs = r.Fetch.ReportIDs
	o.Schedule, o.Tick, o.Piece = r.Schedule, timeOrNull(r.Tick), r.Piece
	if r.Query.Ask != nil {
		o.Question = &r.Query.Ask.Question
	}
	o.Action, o.SQL, o.Inspect = r.Edit.Action, r.Query.SQL, r.Query.Inspect
	o.Added, o.Removed, o.Updated = r.Progress.Added, r.Progress.Removed, r.Progress.Updated
	o.DaysLeft, o.Unavailable = r.Progress.DaysLeft, r.Progress.Unavailable
	o.Trouble, o.RowsChanged = r.Progress.Trouble, r.Progress.RowsChanged
	o.Views, o.ColumnsAdded = r.Progress.Views, r.Progress.ColumnsAdded
	if r.State == jobs.StatePaused {
		o.Held = r.Progress.Held
	}
	o.Warnings = console.Warnings(r.Progress.Warnings)
	o.Verified = newVerifiedObject(r.Progress.Verified)
	o.LateSince, o.LateDays = timeOrNull(r.Fetch.LateSince), r.Progress.LateDays
	if o.Unchanged = r.Progress.Unchanged; r.Kind == jobs.KindFetch {
		o.Stream = r.Fetch.StreamName()
	}
	if days := r.Days(); days != (day.Range{}) {
		o.From, o.To = &days.From, &days.To
	}
	if r.Kind == jobs.KindPublish {
		o.DaysPublished, o.DaysDue = r.Progress.WindowsDone, r.Progress.WindowsTotal
	}
	if found := r.Result; found != nil {
		o.Result = &resultObject{found.Columns, found.Rows, found.Bytes, found.Truncated, r.Query.Format, timeOrNull(found.Expires)}
	}
	if r.Failure != nil && r.State != jobs.StateDone {
		o.Error = &objectError{Code: r.Failure.Code, Message: r.Failure.Message, Hint: r.Failure.Hint}
	}
	return o
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
