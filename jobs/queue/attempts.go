package queue

import (
	"context"
	"strings"

	"mixduck/jobs"
)

// Attempts returns the last 20 attempts of a job that have ended, oldest first. A job without a record has none.
func (q *Queue) Attempts(ctx context.Context, id string) ([]jobs.PastAttempt, error) {
	id = strings.ToUpper(id)
	all, err := q.e.Records.Attempts(ctx, id)
	return all[id], err
}

// AttemptsOf returns the last 20 attempts of jobs that have ended, by job, oldest first. The IDs are those of records.
func (q *Queue) AttemptsOf(ctx context.Context, ids []string) (map[string][]jobs.PastAttempt, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return q.e.Records.Attempts(ctx, ids...)
}

// Windows returns the windows of a fetch of events, sorted by day: those of the current attempt, or of the last one.
func (q *Queue) Windows(ctx context.Context, id string) ([]jobs.WindowState, error) {
	return q.e.Records.Windows(ctx, strings.ToUpper(id))
}
