// Package queue submits jobs, and reports on jobs and lanes.
package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// Config tunes a [Queue]. The zero value is valid.
type Config = lanes.Config

// Queue submits jobs and reports on them. It is safe for concurrent use and starts no background work.
type Queue struct {
	e    *lanes.Engine
	days parsedDays
}

// New returns a queue on rdb, which the caller closes. It does not connect.
func New(rdb redis.UniversalClient, cfg Config) (*Queue, error) {
	e, err := lanes.New(rdb, cfg)
	if err != nil {
		return nil, err
	}
	return &Queue{e: e}, nil
}

// Engine returns what the queue shares with the other packages below jobs. No other package can use it.
func (q *Queue) Engine() *lanes.Engine { return q.e }

// Job returns the record of a job, or [jobs.ErrNoJob]. IDs are case-insensitive.
func (q *Queue) Job(ctx context.Context, id string) (jobs.Record, error) { return q.e.Job(ctx, id) }

// JobsOf returns the records of jobs that have one, by ID, in one round trip for any number of finished jobs. The IDs
// are those of records.
func (q *Queue) JobsOf(ctx context.Context, ids []string) (map[string]jobs.Record, error) {
	entries, err := q.e.Records.LoadAll(ctx, ids)
	if err != nil {
		return nil, err
	}
	var found []jobs.Record
	for _, e := range entries {
		if e != nil {
			found = append(found, e.Record)
		}
	}
	if err := q.e.Locate(ctx, found); err != nil {
		return nil, err
	}
	all := make(map[string]jobs.Record, len(found))
	for _, r := range found {
		all[r.ID] = r
	}
	return all, nil
}

// Workers returns the live workers, sorted by ID. A dead worker counts as live for up to 15 s.
func (q *Queue) Workers(ctx context.Context) ([]jobs.WorkerInfo, error) { return q.e.Workers(ctx) }

// Time returns the time of Redis, the only clock that all workers share. It decides when schedules are due.
func (q *Queue) Time(ctx context.Context) (time.Time, error) { return q.e.Time(ctx) }

// Cancel cancels a job. A running job is told to stop and becomes cancelled when it has; any other job is cancelled on
// return. Cancelling a final job changes nothing and returns no error. What was committed stays.
func (q *Queue) Cancel(ctx context.Context, id string) (jobs.Record, error) {
	id = strings.ToUpper(id)
	for {
		e, moved, err := q.e.Records.Move(ctx, id, lanes.Move{
			From: []jobs.State{jobs.StateWaiting, jobs.StateQueued, jobs.StatePaused, jobs.StateRetrying}, To: jobs.StateCancelled,
		})
		switch {
		case err != nil:
			return jobs.Record{}, err
		case e == nil:
			return jobs.Record{}, fmt.Errorf("%w: %s", jobs.ErrNoJob, id)
		case moved || e.State == jobs.StateCancelled: // again, in case an earlier call was interrupted
			next, err := q.e.Lanes.Leave(ctx, e.Lane(), id)
			if err == nil {
				q.e.Discard(e)
				err = q.e.Dispatch(ctx, next)
			}
			return e.Record, err
		case e.State.Final():
			return e.Record, nil
		}
		e, moved, err = q.e.Records.Move(ctx, id, lanes.Move{
			From: []jobs.State{jobs.StateRunning}, To: jobs.StateRunning, Set: []any{"cancel", "1"},
		})
		if err != nil {
			return jobs.Record{}, err
		}
		if moved {
			return e.Record, nil
		}
		// It stopped running in the meantime.
	}
}

// Wake lets a paused job of a database continue now. It reports whether the job was paused.
func (q *Queue) Wake(ctx context.Context, database, id string) (bool, error) {
	return q.e.Lanes.Wake(ctx, database, id)
}

// Retry puts a failed or cancelled job back at the end of its lane with a full number of attempts. Its progress stays,
// because committed work stays. It returns [ErrNotRetryable] for a job in another state.
func (q *Queue) Retry(ctx context.Context, id string) (jobs.Record, error) {
	id = strings.ToUpper(id)
	token := rand.Text()
	e, moved, err := q.e.Records.Move(ctx, id, lanes.Move{
		From: []jobs.State{jobs.StateFailed, jobs.StateCancelled}, To: jobs.StateWaiting,
		Set: []any{"retried", token, "attempt", 0, "crashes", 0, "started", "", "finished", "", "failure", "", "cancel", "", "run_at", ""},
	})
	switch {
	case err != nil:
		return jobs.Record{}, err
	case e == nil:
		return jobs.Record{}, fmt.Errorf("%w: %s", jobs.ErrNoJob, id)
	case !moved && e.Retried != token: // otherwise the answer was lost, and the command was repeated
		return jobs.Record{}, fmt.Errorf("%w: %s is %s", jobs.ErrNotRetryable, id, e.State)
	}
	next, err := q.e.Enter(ctx, e.Record, lanes.Rule{})
	if err != nil {
		return jobs.Record{}, err
	}
	return q.e.Added(ctx, e.Record, next), nil
}
