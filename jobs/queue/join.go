package queue

import (
	"context"
	"errors"
	"slices"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// joinTries is how often a request looks for a job to join while others change its lane. After that the request enters
// the lane anyway.
const joinTries = 5

// join returns the record of a job that covers rec, or creates the job rec. Records and lanes live in different slots,
// so looking and entering are two steps; but rec enters a lane only if no job has joined it in between.
func (q *Queue) join(ctx context.Context, rec jobs.Record) (jobs.Record, error) {
	for try := 1; ; try++ {
		seen, err := q.e.Lanes.Occupants(ctx, rec.Lane())
		if err != nil {
			return jobs.Record{}, err
		}
		found, err := q.covering(ctx, rec, seen)
		if err != nil {
			return jobs.Record{}, err
		}
		if found != "" {
			r, err := q.joined(ctx, rec, found)
			if err != nil || !r.State.Final() {
				return r, err
			}
			continue // it has just ended
		}
		how := lanes.Rule{Unchanged: &seen}
		if try >= joinTries {
			how = lanes.Rule{}
		}
		r, err := q.add(ctx, rec, how)
		if !errors.Is(err, lanes.ErrLaneMoved) {
			return r, err
		}
	}
}

// joined returns the job found in place of rec.
func (q *Queue) joined(ctx context.Context, rec jobs.Record, found string) (jobs.Record, error) {
	r, err := q.e.Job(ctx, found)
	if err != nil || r.ID == rec.ID || r.State.Final() { // a repeated call: rec was added, and the answer was lost
		return r, err
	}
	r.Joined = true
	return r, q.e.Records.Forget(ctx, rec.ID, rec.Project, rec.Database) // from an earlier try, if any
}

// covering returns the ID of the last job in the lane that covers rec and is not undone by a later one, or "". A job
// that is aside may run before or after any other, so none is returned if a job aside would undo it.
func (q *Queue) covering(ctx context.Context, rec jobs.Record, l lanes.Occupants) (string, error) {
	aside, err := q.e.Records.LoadAll(ctx, l.Aside)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(aside, func(e *lanes.Entry) bool { return e != nil && (e.Kind != jobs.KindFetch || e.Fetch.Undoes(rec.Fetch)) }) {
		return "", nil
	}
	order := slices.Concat(l.Aside, []string{l.Holder}, l.Waiting)
	slices.Reverse(order)
	for page := range slices.Chunk(order, listPage) {
		entries, err := q.e.Records.LoadAll(ctx, page)
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			switch {
			case e == nil || e.State.Final() || e.Cancelled:
			case e.Kind != jobs.KindFetch:
				return "", nil // its effect on the rows is unknown
			case e.ID == rec.ID || e.Fetch.Covers(rec.Fetch):
				return e.ID, nil
			case e.Fetch.Undoes(rec.Fetch):
				return "", nil
			}
		}
	}
	return "", nil
}
