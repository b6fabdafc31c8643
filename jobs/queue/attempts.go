package queue

import (
	"context"
	"strings"

	"mixduck/jobs"
)

// Attempts returns the last 20 attempts of a job that have ended, oldest first. A job without a record has none.
func (q *Queue) Attempts(ctx context.Context, id string) ([]jobs.PastAttempt, error) {
	return q.e.Records.Attempts(ctx, strings.ToUpper(id))
}

// Windows returns the windows of a fetch of events, sorted by day: those of the current attempt, or of the last one.
func (q *Queue) Windows(ctx context.Context, id string) ([]jobs.WindowState, error) {
	return q.e.Records.Windows(ctx, strings.ToUpper(id))
}
