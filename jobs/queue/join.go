package queue

import (
	"context"
	"errors"
	"slices"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// joinTries is how often a request looks for a job to join while others move its lane; after that it takes its chances.
const joinTries = 5

// join returns the record of a job that covers what rec asks for, or makes rec a job. Looking and entering are two steps,
// as records and lanes live in different slots; but rec enters only a lane in which no job has joined meanwhile.
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
			continue // it has ended in this moment
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

// joined returns the job that was found in rec's place.
func (q *Queue) joined(ctx context.Context, rec jobs.Record, found string) (jobs.Record, error) {
	r, err := q.e.Job(ctx, found)
	if err != nil || r.ID == rec.ID || r.State.Final() { // the second: it got in, and the answer was lost
		return r, err
	}
	r.Joined = true
	return r, q.e.Records.Forget(ctx, rec.ID, rec.Project, rec.Database) // of an earlier try, if there was one
}

// covering returns the id of the last job in the lane that covers what rec asks for and after which no other undoes it,
// or "". A job that is aside may come before or after any other, so that one that would undo it rules out all.
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
				return "", nil // who knows what it does to the rows
			case e.ID == rec.ID || e.Fetch.Covers(rec.Fetch):
				return e.ID, nil
			case e.Fetch.Undoes(rec.Fetch):
				return "", nil
			}
		}
	}
	return "", nil
}
