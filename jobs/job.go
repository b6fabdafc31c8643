// Package jobs is the contract between those who ask for work and those who do it: requests, records, states and errors. How
// it is kept is the business of the packages below it: queue, worker, budget and schedule. None of them knows DuckDB or
// Mixpanel, so that the CLI links neither.
package jobs

import (
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
)

// Kind is what a job does.
type Kind string

// The kinds of jobs.
const (
	KindFetch Kind = "fetch" // copies a range of days from Mixpanel into a database
	KindEdit  Kind = "edit"  // changes a database otherwise
	KindQuery Kind = "query" // reads a database
)

// Writes reports whether jobs of the kind change a database, so that they take turns at it.
func (k Kind) Writes() bool { return k != KindQuery }

// State is where a job stands.
type State string

// The states. Done, failed and cancelled are final, but for a retry that a person asks for.
const (
	StateWaiting   State = "waiting"   // in the lane of its database, behind others
	StateQueued    State = "queued"    // first in its lane, waiting for a worker
	StateRunning   State = "running"   // a worker has it
	StatePaused    State = "paused"    // not before RunAt: Mixpanel asked to wait; costs no attempt
	StateRetrying  State = "retrying"  // not before RunAt: the last attempt failed
	StateDone      State = "done"      // everything that was asked is committed
	StateFailed    State = "failed"    // given up; what was committed stays
	StateCancelled State = "cancelled" // a person ended it; what was committed stays
)

// Final reports whether a job in state s will not run again by itself.
func (s State) Final() bool { return s == StateDone || s == StateFailed || s == StateCancelled }

// Mode says what a fetch does with rows that are there already.
type Mode string

// The modes of a fetch.
const (
	ModeSync    Mode = "sync"    // replace the days asked, leave the others
	ModeAppend  Mode = "append"  // add what is missing, delete nothing
	ModeReplace Mode = "replace" // fill a new table and swap it in when it is complete
	ModeCreate  Mode = "create"  // refuse if the table exists

	// Of streams other than events.
	ModeFull        Mode = "full"        // the table holds afterwards exactly what Mixpanel has
	ModeIncremental Mode = "incremental" // only profiles that have changed; deletions are not seen
)

// Fetch is the payload of [KindFetch]. Its JSON form is stored in job records: fields are only ever added.
type Fetch struct {
	Project  string    `json:"project"`  // a name of the configuration, or a Mixpanel project id
	Database string    `json:"database"` // volume/relative path, with the volume
	Table    string    `json:"table"`
	Days     day.Range `json:"days"`             // in the project's zone, both ends included; zero with LateSince: all that are stored
	Events   []string  `json:"events,omitempty"` // only these event names; none means all
	Where    string    `json:"where,omitempty"`  // a Mixpanel expression
	Mode     Mode      `json:"mode"`
	Force    bool      `json:"force,omitempty"` // replace a good old day even by one with far fewer rows
	Adopt    bool      `json:"adopt,omitempty"` // move tables of another program aside

	// Promote names properties that get columns of their own, as [promotion.Parse] reads them; those of a table that is
	// there stay.
	Promote string `json:"promote,omitempty"`

	Stream    string         `json:"stream,omitempty"`     // see [stream.List]; "" means [stream.Events]
	Profiles  *stream.Filter `json:"profiles,omitempty"`   // of [stream.Profiles]: which ones, beside Where; nil means all
	Since     time.Time      `json:"since,omitzero"`       // with [ModeIncremental]: changed since; zero means since the last refresh
	FullEvery time.Duration  `json:"full_every,omitempty"` // with [ModeIncremental]: a full refresh if the last one is older; 0 means never
	History   bool           `json:"history,omitempty"`    // keep all versions of a profile

	Due       *Due      `json:"due,omitempty"`       // if set, only those of the days that are due when the job runs
	LateSince time.Time `json:"late_since,omitzero"` // if set, only those of the days on which events fall that arrived after it
	Spare     bool      `json:"spare,omitempty"`     // spend no request of the budget's reserve
}

// DescribeDays says in a few words which days the fetch is about.
func (f Fetch) DescribeDays() string {
	switch {
	case f.StreamName() != stream.Events && f.Days == (day.Range{}):
		return f.StreamName()
	case f.StreamName() != stream.Events:
		return f.StreamName() + " " + f.Days.String()
	case f.LateSince.IsZero():
		return f.Days.String()
	case f.Days == (day.Range{}):
		return "late since " + f.LateSince.UTC().Format(time.RFC3339)
	}
	return f.Days.String() + " late since " + f.LateSince.UTC().Format(time.RFC3339)
}

// Due says which days of a fetch are due: those that have never been stored whole, and young ones. Days that Mixpanel no
// longer serves never are.
type Due struct {
	Lookback   int `json:"lookback"`              // days before today that are fetched again, however complete they are
	MaxWindows int `json:"max_windows,omitempty"` // the job ends well after so many, the newest first; 0 means no bound
}

// Progress is how far a job has come, over all of its attempts.
type Progress struct {
	WindowsDone  int    `json:"windows_done"`
	WindowsTotal int    `json:"windows_total"` // an estimate until the last window is planned
	Rows         int64  `json:"rows"`          // stored by this job
	Duplicates   int64  `json:"duplicates"`
	Quarantined  int64  `json:"quarantined"`
	Requests     int    `json:"requests"`          // sent to Mixpanel, repeated ones too
	Retries      int    `json:"retries"`           // windows that were asked again
	Bytes        int64  `json:"bytes"`             // received, as sent over the wire
	Note         string `json:"note,omitempty"`    // what is being waited for, if anything
	Trouble      string `json:"trouble,omitempty"` // the last window that failed and why, until another has succeeded

	// What days that were stored before have become.
	Added   int64 `json:"added,omitempty"`   // rows that were not there
	Removed int64 `json:"removed,omitempty"` // rows that Mixpanel no longer sends
	Updated int64 `json:"updated,omitempty"` // rows that Mixpanel has processed again

	Unchanged int64 `json:"unchanged,omitempty"` // rows of other streams that are as they were

	RowsChanged int64 `json:"rows_changed,omitempty"` // by computing promoted columns anew

	// The size of the file before and after it was compacted, in bytes.
	FileBefore int64 `json:"file_before,omitempty"`
	FileAfter  int64 `json:"file_after,omitempty"`

	LateDays    string `json:"late_days,omitempty"`   // on which late events were found: 2026-11-01..2026-11-03, 2026-11-07
	DaysLeft    int    `json:"days_left,omitempty"`   // due, and left to another job
	Unavailable int    `json:"unavailable,omitempty"` // days that Mixpanel no longer serves

	Warnings string `json:"warnings,omitempty"` // what a person should know though the job goes on: one warning on each line

	// RequestsPerHour is what the project's budget allows all its jobs together; 0 if nobody counts.
	RequestsPerHour int `json:"requests_per_hour,omitempty"`
}

// Failure is an error as a job record keeps it.
type Failure struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Hint    string     `json:"hint,omitempty"`
	At      time.Time  `json:"at"`
}

// Record is what is known of a job. It is kept in Redis until its retention ends.
type Record struct {
	ID          string // a ULID: sorts by time of submission
	Kind        Kind
	State       State
	Priority    Priority
	Project     string // "" where none is needed
	Database    string // volume/relative path, with the volume
	Fetch       Fetch  // of [KindFetch]
	Edit        Edit   // of [KindEdit]
	Query       Query  // of [KindQuery]
	Attempt     int    // 0 before the first; pauses, shutdowns and crashed workers do not count
	MaxAttempts int
	Schedule    string    // that made the job; "" if a person did
	Tick        time.Time // of the schedule
	Piece       int       // 0 is the tick's own job, others fetch older days that it has left
	Progress    Progress
	Result      *Result  // of a query that is done; nil for others
	Failure     *Failure // of the last attempt that failed, or nil
	Worker      string   // that runs it or ran it last
	CreatedAt   time.Time
	StartedAt   time.Time // of the first attempt; zero before
	FinishedAt  time.Time // zero before
	RunAt       time.Time // paused and retrying: not before; otherwise zero

	// How fast it is going: between the two lie no pauses, and no time in which the job had failed.
	AttemptAt     time.Time // of the attempt that runs or ran last; zero before the first
	WindowsBefore int       // done before that attempt

	// What is not kept, but found out when the record is read.
	Position int    // waiting: how many jobs of its lane run before it, the one that has its turn included; otherwise 0
	Behind   string // waiting: the job that stands right before it, or "" if it is not known
	Unserved bool   // not final and not running: no worker lives that serves its database's volume
	Joined   bool   // only from queue.Queue.Submit: the job was there already
}

// Validate reports what makes the job's payload senseless, as an error with [fault.CodeUsage].
func (r Record) Validate() error {
	switch r.Kind {
	case KindFetch:
		return r.Fetch.Validate()
	case KindEdit:
		return r.Edit.Validate()
	case KindQuery:
		return r.Query.Validate()
	}
	return fault.Usage("fetch, edit or query", "%q is no kind of job", r.Kind)
}

// Lane returns the name of the lane of the job: its database, or a lane for the job alone if it only reads.
func (r Record) Lane() string {
	if r.Kind.Writes() {
		return r.Database
	}
	return ReadLane + r.ID
}

// ReadLane begins the names of lanes of jobs that only read. No database is called so.
const ReadLane = "read:"
