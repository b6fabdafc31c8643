package jobs

import (
	"fmt"

	"mixduck/internal/defaults"
	"mixduck/internal/fault"
)

// Errors for callers to branch on. They are wrapped with the job's ID.
var (
	ErrNoJob        = fault.New(fault.CodeNotFound, "list the jobs; records are deleted when their retention ends", "no such job")
	ErrJobLost      = fault.New(fault.CodeFailed, "what it stored is kept; submit it again for the rest", "the queue has lost its data, and the job with it")
	ErrNotRetryable = fault.New(fault.CodeUsage, "only failed and cancelled jobs can be retried", "the job cannot be retried")
)

// DefaultMaxAttempts is the maximum number of attempts of a job whose request sets none.
const DefaultMaxAttempts = defaults.MaxAttempts

// IfBusy says what to do with a request for a database that already has jobs.
type IfBusy string

// The values of [IfBusy].
const (
	IfBusyQueue IfBusy = "queue" // wait in its lane
	IfBusyFail  IfBusy = "fail"  // return a [*BusyError] if another job holds the database
	IfBusyJoin  IfBusy = "join"  // return an existing job that covers the request, or wait if there is none
)

// Request asks for a job. Only the field named after its kind counts.
type Request struct {
	Kind        Kind // "" means [KindFetch]
	Fetch       Fetch
	Edit        Edit
	Query       Query
	Publish     Publish
	Priority    Priority // "" means [PriorityDefault]
	MaxAttempts int      // 0 means [DefaultMaxAttempts]
	IfBusy      IfBusy   // "" means [IfBusyQueue]
}

// Validate checks the request. Errors have [fault.CodeUsage].
func (r Request) Validate() error {
	switch r.IfBusy {
	case "", IfBusyQueue, IfBusyFail, IfBusyJoin:
	default:
		return fault.Usage("queue, fail or join", "%q is no way to treat a busy database", r.IfBusy)
	}
	if r.MaxAttempts < 0 {
		return fault.Usage("omit it for the default", "%d attempts are less than one", r.MaxAttempts)
	}
	if err := r.Priority.validate(); err != nil {
		return err
	}
	if r.IfBusy == IfBusyJoin && r.Kind != KindFetch {
		return fault.Usage("queue or fail", "only a fetch can join another job")
	}
	return r.Record().Validate()
}

// Record returns a record with the request's description of the work.
func (r Request) Record() Record {
	rec := Record{Kind: r.Kind, Priority: r.Priority.OrDefault(), MaxAttempts: r.MaxAttempts}
	switch r.Kind {
	case KindEdit:
		rec.Edit, rec.Database = r.Edit, r.Edit.Database
	case KindQuery, KindAsk:
		rec.Query, rec.Project, rec.Database = r.Query, r.Query.Project(), r.Query.Database
	case KindPublish:
		rec.Publish, rec.Database = r.Publish, r.Publish.Database
	case KindFetch:
		rec.Fetch, rec.Project, rec.Database = r.Fetch, r.Fetch.Project, r.Fetch.Database
	}
	return rec
}

// BusyError means that another job holds the lane of a database.
type BusyError struct {
	Database string
	Holder   string // ID of the job that holds it
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("database %s is locked: job %s is writing to it", e.Database, e.Holder)
}

// FaultCode returns [fault.CodeLocked].
func (e *BusyError) FaultCode() fault.Code { return fault.CodeLocked }

// Hint explains how to wait instead.
func (e *BusyError) Hint() string {
	return "wait for job " + e.Holder + ", or let the request queue behind it"
}
