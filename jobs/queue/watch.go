package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

const (
	pollEvery   = 200 * time.Millisecond
	pollReads   = 20 * time.Millisecond // for queries that were just submitted
	readsAreNew = 2 * time.Second
)

// Watch calls fn with the record of a job now and after each change, until the job is final or ctx is done. The job
// must have been submitted: a missing record is [ErrJobLost]. Watch tolerates an unreachable queue for up to a minute.
func (q *Queue) Watch(ctx context.Context, id string, fn func(jobs.Record)) error {
	tick := time.NewTicker(pollReads)
	defer tick.Stop()
	began := time.Now()
	var last jobs.Record
	var answered time.Time
	for {
		r, err := q.e.Job(ctx, id)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, jobs.ErrNoJob):
			return fmt.Errorf("%w: %s", jobs.ErrJobLost, id)
		case err != nil && time.Since(answered) > lanes.PollOutages:
			return err
		case err == nil:
			answered = time.Now()
			if !same(r, last) {
				fn(r)
				last = r
			}
			if r.State.Final() {
				return nil
			}
			if r.Kind.Writes() || time.Since(began) > readsAreNew {
				tick.Reset(pollEvery)
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// same reports whether two records of a job look the same to a person.
func same(r, s jobs.Record) bool {
	return r.ID == s.ID && r.State == s.State && r.Attempt == s.Attempt && r.Progress == s.Progress &&
		r.Position == s.Position && r.Behind == s.Behind && r.Unserved == s.Unserved && r.RunAt.Equal(s.RunAt)
}
