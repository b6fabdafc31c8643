// Package jobs is the contract between clients that ask for work and workers that do it: requests, records, states and
// errors. The packages below it implement it: queue, worker, budget and schedule. None of them knows DuckDB or
// Mixpanel, so the CLI links neither.
package jobs

import (
	"strings"
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

	// KindAsk is the kind of queries that ask Mixpanel, where it differs from that of other queries: see [Record.Work].
	KindAsk Kind = "ask"

	KindPublish Kind = "publish" // copies a table of a database into the lake
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{KindFetch, KindEdit, KindQuery, KindAsk, KindPublish} }

// Writes reports whether jobs of the kind change a database or a table of the lake, and therefore take turns.
func (k Kind) Writes() bool { return k != KindQuery && k != KindAsk }

// State is the state of a job.
type State string

// The states of a job. Done, failed and cancelled are final unless a person retries the job.
const (
	StateWaiting   State = "waiting"   // in the lane of its database, behind others
	StateQueued    State = "queued"    // first in its lane, waiting for a worker
	StateRunning   State = "running"   // a worker has it
	StatePaused    State = "paused"    // not before RunAt: Mixpanel asked to wait; not counted as an attempt
	StateRetrying  State = "retrying"  // not before RunAt: the last attempt failed
	StateDone      State = "done"      // everything is committed
	StateFailed    State = "failed"    // no more attempts; what was committed stays
	StateCancelled State = "cancelled" // cancelled by a person; what was committed stays
)

// Final reports whether a job in state s will not run again unless a person retries it.
func (s State) Final() bool { return s == StateDone || s == StateFailed || s == StateCancelled }

// Mode says how a fetch treats existing rows.
type Mode string

// The modes of a fetch.
const (
	ModeSync    Mode = "sync"    // replace the requested days, keep the others
	ModeAppend  Mode = "append"  // add missing rows, delete nothing
	ModeReplace Mode = "replace" // fill a new table and swap it in when complete
	ModeCreate  Mode = "create"  // fail if the table exists

	// For streams other than events.
	ModeFull        Mode = "full"        // the table then holds exactly what Mixpanel has
	ModeIncremental Mode = "incremental" // only changed profiles; deletions are not seen
)

// Fetch is the payload of [KindFetch]. Its JSON form is stored in job records: fields are only ever added.
type Fetch struct {
	Project  string    `json:"project"`  // name in the configuration, or Mixpanel project ID
	Database string    `json:"database"` // volume/relative path; always with the volume
	Table    string    `json:"table"`
	Days     day.Range `json:"days"`             // in the project's zone, both ends included; zero with LateSince: all stored days
	Events   []string  `json:"events,omitempty"` // only these event names; empty means all
	Where    string    `json:"where,omitempty"`  // a Mixpanel expression
	Mode     Mode      `json:"mode"`
	Force    bool      `json:"force,omitempty"` // replace a complete stored day even by far fewer rows
	Adopt    bool      `json:"adopt,omitempty"` // move tables of other programs aside

	// Promote lists properties that get a column, in the form of [promotion.Parse]. Existing promoted columns stay.
	Promote string `json:"promote,omitempty"`

	Stream    string         `json:"stream,omitempty"`     // see [stream.List]; "" means [stream.Events]
	Profiles  *stream.Filter `json:"profiles,omitempty"`   // for [stream.Profiles]: which ones, in addition to Where; nil means all
	Since     time.Time      `json:"since,omitzero"`       // with [ModeIncremental]: profiles changed since; zero means since the last refresh
	FullEvery time.Duration  `json:"full_every,omitempty"` // with [ModeIncremental]: a full refresh if the last one is older; 0 means never
	History   bool           `json:"history,omitempty"`    // keep all versions of a profile
	ReportIDs []int64        `json:"report_ids,omitempty"` // for [stream.Reports]: only these; empty means all

	Verify string `json:"verify,omitempty"` // of events: [VerifyReport], [VerifyRepair] or ""

	Due       *Due      `json:"due,omitempty"`       // if set, only those days that are due when the job runs
	LateSince time.Time `json:"late_since,omitzero"` // if set, only days with events that arrived after this time
	Spare     bool      `json:"spare,omitempty"`     // do not use the reserve of the budget
}

// DescribeDays returns a short description of the requested days.
func (f Fetch) DescribeDays() string {
	switch {
	case len(f.ReportIDs) > 0:
		return f.StreamName() + " " + stream.JoinReportIDs(f.ReportIDs)
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

// Due says which days of a fetch are due: those never stored completely, and recent ones. Days that Mixpanel no longer
// serves are never due.
type Due struct {
	Lookback   int `json:"lookback"`              // days before today that are always fetched again
	MaxWindows int `json:"max_windows,omitempty"` // the job succeeds after this many windows, newest first; 0 means no limit
}

// Progress is the progress of a job over all its attempts.
type Progress struct {
	WindowsDone  int    `json:"windows_done"`  // of [ActionRefill]: groups of days
	WindowsTotal int    `json:"windows_total"` // an estimate until the last window is planned
	Rows         int64  `json:"rows"`          // stored by this job
	Duplicates   int64  `json:"duplicates"`
	Quarantined  int64  `json:"quarantined"`
	Requests     int    `json:"requests"`          // sent to Mixpanel, including repeated ones
	Retries      int    `json:"retries"`           // windows that were requested again
	Bytes        int64  `json:"bytes"`             // received over the wire
	Note         string `json:"note,omitempty"`    // what the job is waiting for, if anything
	Trouble      string `json:"trouble,omitempty"` // the last failed window and why, until another succeeds

	// How already stored days have changed.
	Added   int64 `json:"added,omitempty"`   // rows that were not stored before
	Removed int64 `json:"removed,omitempty"` // rows that Mixpanel no longer sends
	Updated int64 `json:"updated,omitempty"` // rows that Mixpanel has processed again

	Unchanged int64 `json:"unchanged,omitempty"` // unchanged rows, of streams other than events

	Verified *Verified `json:"verified,omitempty"` // what a comparison after the fetch has found; nil for none

	RowsChanged int64 `json:"rows_changed,omitempty"` // by filling or recomputing promoted columns

	Views        int `json:"views,omitempty"`         // typed views
	ColumnsAdded int `json:"columns_added,omitempty"` // to typed views

	// The size of the file in bytes before and after compaction.
	FileBefore int64 `json:"file_before,omitempty"`
	FileAfter  int64 `json:"file_after,omitempty"`

	LateDays    string `json:"late_days,omitempty"`   // days with late events: 2026-11-01..2026-11-03, 2026-11-07
	DaysLeft    int    `json:"days_left,omitempty"`   // due, but left to another job
	Unavailable int    `json:"unavailable,omitempty"` // days that Mixpanel no longer serves

	Held *Held `json:"held,omitempty"` // paused: what the job waits for, if another program has the database open

	Warnings string `json:"warnings,omitempty"` // warnings for people, one per line; the job goes on

	// RequestsPerHour is the budget of all the project's jobs together; 0 if requests are not counted.
	RequestsPerHour int `json:"requests_per_hour,omitempty"`
}

// Failure is an error as stored in a job record.
type Failure struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Hint    string     `json:"hint,omitempty"`
	At      time.Time  `json:"at"`
}

// Record describes a job. It is kept in Redis until its retention ends.
type Record struct {
	ID          string // a ULID: sorts by time of submission
	Kind        Kind
	State       State
	Priority    Priority
	Project     string  // "" if the job needs none
	Database    string  // volume/relative path; always with the volume
	Fetch       Fetch   // for [KindFetch]
	Edit        Edit    // for [KindEdit]
	Query       Query   // for [KindQuery]
	Publish     Publish // for [KindPublish]
	Attempt     int     // 0 before the first; pauses, shutdowns and crashes of workers do not count
	MaxAttempts int
	Schedule    string    // the schedule that made the job; "" if a person did
	Tick        time.Time // of the schedule
	Piece       int       // 0 for the job of the tick itself; the others fetch older days that it left
	Progress    Progress
	Result      *Result  // of a finished query; otherwise nil
	Failure     *Failure // of the last failed attempt, or nil
	Worker      string   // the current or last worker
	CreatedAt   time.Time
	StartedAt   time.Time // start of the first attempt; zero before
	FinishedAt  time.Time // zero before
	RunAt       time.Time // paused and retrying: earliest start; otherwise zero

	// For estimates of speed: the time between the two contains no pause, and none in which the job had failed.
	AttemptAt     time.Time // of the current or last attempt; zero before the first
	WindowsBefore int       // done before that attempt

	// Not stored, but determined when the record is read.
	Position int    // waiting: number of jobs that run before it, including the current one; otherwise 0
	Behind   string // waiting: the job directly before it; "" if unknown
	Unserved bool   // neither final nor running, and no live worker serves its volume
	Joined   bool   // set only by queue.Queue.Submit: the job already existed
}

// Validate checks the job's payload. Errors have [fault.CodeUsage].
func (r Record) Validate() error {
	switch r.Kind {
	case KindFetch:
		return r.Fetch.Validate()
	case KindEdit:
		return r.Edit.Validate()
	case KindQuery:
		return r.Query.Validate()
	case KindAsk: // not in records
	case KindPublish:
		return r.Publish.Validate()
	}
	return fault.Usage("fetch, edit, query or publish", "%q is no kind of job", r.Kind)
}

// Table returns the table that the job fills, changes or publishes; "" for all or none.
func (r Record) Table() string {
	switch r.Kind {
	case KindEdit:
		return r.Edit.Table
	case KindPublish:
		return r.Publish.Table
	case KindFetch, KindQuery, KindAsk:
	}
	return r.Fetch.Table
}

// Work returns the kind that decides which slots of a worker, and which handler, the job needs: [KindAsk] for queries
// that wait for Mixpanel, otherwise the record's kind. Records of both have [KindQuery], because workers of older
// versions know no other kind that does not write.
func (r Record) Work() Kind {
	if r.Kind == KindQuery && r.Query.Project() != "" {
		return KindAsk
	}
	return r.Kind
}

// Days returns the days that the job fetches or publishes; zero for all or none.
func (r Record) Days() day.Range {
	if r.Kind == KindPublish {
		return r.Publish.Days
	}
	return r.Fetch.Days
}

// Lane returns the name of the job's lane: its database, its table of the lake, or a separate lane if it only reads.
func (r Record) Lane() string {
	switch {
	case r.Kind == KindPublish:
		return lakeLane + r.Database + "#" + r.Publish.Table
	case r.Kind.Writes():
		return r.Database
	}
	return ReadLane + r.ID
}

// ParseLane returns what a lane of jobs that write is for. [KindFetch] stands for all kinds that change databases.
func ParseLane(lane string) (kind Kind, database, table string) {
	if rest, ok := strings.CutPrefix(lane, lakeLane); ok {
		database, table, _ = strings.Cut(rest, "#")
		return KindPublish, database, table
	}
	return KindFetch, lane, ""
}

// ReadLane is the prefix of lanes of jobs that only read. No database name starts with it.
const ReadLane = "read:"
