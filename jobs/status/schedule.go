package status

import (
	"context"
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
	JobsOf(ctx context.Context, ids []string) (map[string]jobs.Record, error)
}

// ReadSchedule returns what the queue knows about a schedule at now.
func ReadSchedule(ctx context.Context, q Jobs, s schedule.State, now time.Time) (ScheduleState, error) {
	all, err := ReadSchedules(ctx, q, []schedule.State{s}, now)
	if err != nil {
		return ScheduleState{}, err
	}
	return all[0], nil
}

// ReadSchedules does this for all, in their order. It looks up all jobs at once.
func ReadSchedules(ctx context.Context, q Jobs, all []schedule.State, now time.Time) ([]ScheduleState, error) {
	var ids []string
	for _, s := range all {
		if s.LastJob != "" {
			ids = append(ids, s.LastJob)
		}
	}
	last, err := q.JobsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	read := make([]ScheduleState, len(all))
	for i, s := range all {
		read[i].State = s
		if !s.Paused && !s.Disabled {
			if read[i].Next, err = s.NextRun(now); err != nil {
				return nil, err
			}
		}
		if job, ok := last[s.LastJob]; ok {
			read[i].Last = &job
		}
	}
	return read, nil
}
