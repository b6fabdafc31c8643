package jobs

import (
	"context"
	"fmt"
	"time"

	"mixduck/internal/fault"
)

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
	MaxAttempts int      // 0 means 5
	IfBusy      IfBusy   // "" means [IfBusyQueue]
}

func (r Request) validate() error {
	switch r.IfBusy {
	case "", IfBusyQueue, IfBusyFail, IfBusyJoin:
	default:
		return fault.Usage("queue, fail or join", "%q is no way to treat a busy database", r.IfBusy)
	}
	if r.MaxAttempts < 0 {
		return fault.Usage("leave it out for the default", "%d attempts are less than one", r.MaxAttempts)
	}
	if err := r.Priority.validate(); err != nil {
		return err
	}
	if r.IfBusy == IfBusyJoin && r.Kind != KindFetch {
		return fault.Usage("queue or fail", "only a fetch can join another job")
	}
	return r.record().validate()
}

// record returns what the job's record says of the work.
func (r Request) record() Record {
	rec := Record{Kind: r.Kind, Priority: r.Priority.orDefault(), MaxAttempts: r.MaxAttempts}
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

// Submit puts a job at the end of its lane. Once it has returned without an error the job is not lost. It returns errors
// with [fault.CodeUsage] for senseless requests, and [*BusyError]. A queue that has just been away is waited for, for a
// few seconds.
//
// With [IfBusyJoin] it may return another job, which covers the request in the sense of [Fetch.Covers], and whose record
// has Joined set. Of several callers that join at the same time one makes the job. The job that was joined may end, fail or be cancelled at any
// time after that, as one's own may; if it was running, some of the days may have been fetched before the request.
func (q *Queue) Submit(ctx context.Context, r Request) (Record, error) {
	if r.Kind == "" {
		r.Kind = KindFetch
	}
	if err := r.validate(); err != nil {
		return Record{}, err
	}
	rec, err := q.newRecord(r, q.now())
	if err != nil {
		return Record{}, err
	}
	var got Record
	err = insist(ctx, func() error { // each step bears being repeated
		switch r.IfBusy {
		case IfBusyJoin:
			got, err = q.join(ctx, rec)
		case "", IfBusyQueue, IfBusyFail:
			got, err = q.add(ctx, rec, rule{refuse: r.IfBusy == IfBusyFail})
		}
		return err
	})
	return got, err
}

// newRecord returns the record of a new job; now is when it was asked for.
func (q *Queue) newRecord(r Request, now time.Time) (Record, error) {
	now = now.UTC().Truncate(time.Millisecond)
	id, err := q.newID(now)
	if err != nil {
		return Record{}, err
	}
	rec := r.record()
	rec.ID, rec.State, rec.CreatedAt = id, StateWaiting, now
	switch {
	case rec.Kind == KindQuery:
		rec.MaxAttempts = 1 // somebody waits for it, and can ask again
	case rec.MaxAttempts == 0:
		rec.MaxAttempts = defaultMaxAttempts
	}
	return rec, nil
}

// add writes the record of a new job and puts the job into its lane.
func (q *Queue) add(ctx context.Context, rec Record, how rule) (Record, error) {
	// The record comes first: a lane never holds a job of which nothing is known. Should this process die in between, the
	// audit finds the record and puts it in its lane.
	if err := q.records.create(ctx, rec); err != nil {
		return Record{}, err
	}
	if rec.Query.Attended {
		if err := q.attend(ctx, rec.ID, sayWaiting); err != nil { // who asks has the time to begin doing so himself
			return Record{}, err
		}
	}
	next, err := q.enter(ctx, rec, how)
	if err != nil {
		return Record{}, err
	}
	return q.added(ctx, rec, next), nil
}

// added announces the turn that a new job has started, if any, and returns the job's record. The job is in its lane:
// should Redis go away now a sweep does the first, and the second is known well enough.
func (q *Queue) added(ctx context.Context, rec Record, next turn) Record {
	if err := q.dispatch(ctx, next); err != nil {
		return rec
	}
	if now, err := q.Job(ctx, rec.ID); err == nil {
		return now
	}
	return rec
}

// enter puts a job that has a record into its lane and returns the turn that this started, if any. If the lane refuses
// it, the record is deleted. It returns errLaneMoved as how says.
func (q *Queue) enter(ctx context.Context, r Record, how rule) (turn, error) {
	state, t, err := q.lanes.submit(ctx, r.lane(), r.ID, how)
	if err != nil {
		return turn{}, err
	}
	switch state {
	case statusBusy:
		if err := q.records.forget(ctx, r.ID, r.Project, r.Database); err != nil {
			return turn{}, err
		}
		return turn{}, &BusyError{Database: r.Database, Holder: t.job}
	case statusMoved:
		return turn{}, errLaneMoved
	case statusOK, statusStale, statusKnown:
	}
	return t, nil
}
