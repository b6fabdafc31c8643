package jobs

import (
	"fmt"

	"mixduck/internal/defaults"
	"mixduck/internal/fault"
)

// Errors that callers branch on. They are wrapped with the job's id.
var (
	ErrNoJob        = fault.New(fault.CodeNotFound, "list the jobs; records are deleted when their retention ends", "no such job")
	ErrJobLost      = fault.New(fault.CodeFailed, "what it stored is kept; submit it again for the rest", "the queue has lost its data, and the job with it")
	ErrNotRetryable = fault.New(fault.CodeUsage, "only failed and cancelled jobs can be retried", "the job cannot be retried")
)

// DefaultMaxAttempts is the maximum number of attempts of a job if its request does not set one.
const DefaultMaxAttempts = defaults.MaxAttempts

// IfBusy says what becomes of a request for a database for which there are other jobs.
type IfBusy string

// What to do then.
const (
	IfBusyQueue IfBusy = "queue" // wait in its lane
	IfBusyFail  IfBusy = "fail"  // return a [*BusyError] at once, if another job holds the database
	IfBusyJoin  IfBusy = "join"  // take a job that covers the request for its own, if there is one; else wait
)

// Request asks for a job of a kind, of which the field of that name counts.
type Request struct {
	Kind        Kind // "" means [KindFetch]
	Fetch       Fetch
	Edit        Edit
	Query       Query
	Priority    Priority // "" means [PriorityDefault]
	MaxAttempts int      // 0 means [DefaultMaxAttempts]
	IfBusy      IfBusy   // "" means [IfBusyQueue]
}

// Validate reports what is wrong with the request, as an error with [fault.CodeUsage].
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

// Record returns what the job's record says of the work.
func (r Request) Record() Record {
	rec := Record{Kind: r.Kind, Priority: r.Priority.OrDefault(), MaxAttempts: r.MaxAttempts}
	switch r.Kind {
	case KindEdit:
		rec.Edit, rec.Database = r.Edit, r.Edit.Database
	case KindQuery:
		rec.Query, rec.Database = r.Query, r.Query.Database
	case KindFetch:
		rec.Fetch, rec.Project, rec.Database = r.Fetch, r.Fetch.Project, r.Fetch.Database
	}
	return rec
}

// BusyError says that another job holds the lane of a database.
type BusyError struct {
	Database string
	Holder   string // the id of the job that holds it
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("database %s is locked: job %s is writing to it", e.Database, e.Holder)
}

// FaultCode returns [fault.CodeLocked].
func (e *BusyError) FaultCode() fault.Code { return fault.CodeLocked }

// Hint says how to wait instead.
func (e *BusyError) Hint() string {
	return "wait for job " + e.Holder + ", or let the request queue behind it"
}
