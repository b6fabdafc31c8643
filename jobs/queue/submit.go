package queue

import (
	"context"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// Submit puts a job at the end of its lane. Once it has returned without an error the job is not lost. It returns errors
// with [fault.CodeUsage] for senseless requests, and [*BusyError]. A queue that has just been away is waited for, for a
// few seconds.
//
// With [IfBusyJoin] it may return another job, which covers the request in the sense of [Fetch.Covers], and whose record
// has Joined set. Of several callers that join at the same time one makes the job. The job that was joined may end, fail or be cancelled at any
// time after that, as one's own may; if it was running, some of the days may have been fetched before the request.
func (q *Queue) Submit(ctx context.Context, r jobs.Request) (jobs.Record, error) {
	if r.Kind == "" {
		r.Kind = jobs.KindFetch
	}
	if err := r.Validate(); err != nil {
		return jobs.Record{}, err
	}
	rec, err := q.e.NewRecord(r, q.e.Now())
	if err != nil {
		return jobs.Record{}, err
	}
	var got jobs.Record
	err = lanes.Insist(ctx, func() error { // each step bears being repeated
		switch r.IfBusy {
		case jobs.IfBusyJoin:
			got, err = q.join(ctx, rec)
		case "", jobs.IfBusyQueue, jobs.IfBusyFail:
			got, err = q.add(ctx, rec, lanes.Rule{Refuse: r.IfBusy == jobs.IfBusyFail})
		}
		return err
	})
	return got, err
}

// add writes the record of a new job and puts the job into its lane.
func (q *Queue) add(ctx context.Context, rec jobs.Record, how lanes.Rule) (jobs.Record, error) {
	// The record comes first: a lane never holds a job of which nothing is known. Should this process die in between, the
	// audit finds the record and puts it in its lane.
	if err := q.e.Records.Create(ctx, rec); err != nil {
		return jobs.Record{}, err
	}
	if rec.Query.Attended {
		if err := q.e.Attend(ctx, rec.ID, lanes.SayWaiting); err != nil { // who asks has the time to begin doing so himself
			return jobs.Record{}, err
		}
	}
	next, err := q.e.Enter(ctx, rec, how)
	if err != nil {
		return jobs.Record{}, err
	}
	return q.e.Added(ctx, rec, next), nil
}
