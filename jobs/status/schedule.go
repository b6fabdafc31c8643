package status

import (
	"context"
	"errors"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/schedule"
)

// ScheduleState is a schedule with its next run and its last job.
type ScheduleState struct {
	schedule.State

	Next time.Time    // zero while paused or not enabled
	Last *jobs.Record // last job it made, except pieces; nil if there is none or its record is gone
}

// Jobs looks up jobs; [queue.Queue] does.
type Jobs interface {
	Job(ctx context.Context, id string) (jobs.Record, error)
}

// ReadSchedule returns what the queue knows about a schedule at now.
func ReadSchedule(ctx context.Context, q Jobs, s schedule.State, now time.Time) (read ScheduleState, err error) {
	read.State = s
	if !s.Paused && !s.Disabled {
		if read.Next, err = s.NextRun(now); err != nil {
			return read, err
		}
	}
	if s.LastJob == "" {
		return read, nil
	}
	job, err := q.Job(ctx, s.LastJob)
	switch {
	case errors.Is(err, jobs.ErrNoJob):
		return read, nil
	case err != nil:
		return read, err
	}
	read.Last = &job
	return read, nil
}
