package queue

import (
	"context"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// Submit puts a job at the end of its lane. Once it has returned without an error, the job is not lost. It returns
// errors with [fault.CodeUsage] for invalid requests, and [*BusyError]. It waits a few seconds for a queue that has
// just become unreachable.
//
// With [IfBusyJoin] it may return another job that covers the request as defined by [Fetch.Covers]; Joined is set in
// its record. If several callers join at the same time, one of them creates the job. A joined job can end, fail or be
// cancelled at any time, like any job; if it was already running, it may have fetched some of the days before the
// request.
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
	err = lanes.Insist(ctx, func() error { // each step can be repeated
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

// add writes the record of a new job and puts the job in its lane.
func (q *Queue) add(ctx context.Context, rec jobs.Record, how lanes.Rule) (jobs.Record, error) {
	// The record comes first, so a lane never holds an unknown job. If this process dies in between, the audit finds
	// the record and puts the job in its lane.
	if err := q.e.Records.Create(ctx, rec); err != nil {
		return jobs.Record{}, err
	}
	if rec.Query.Attended {
		if err := q.e.Attend(ctx, rec.ID, lanes.SayWaiting); err != nil { // gives the client time to start attending
			return jobs.Record{}, err
		}
	}
	next, err := q.e.Enter(ctx, rec, how)
	if err != nil {
		return jobs.Record{}, err
	}
	return q.e.Added(ctx, rec, next), nil
}
