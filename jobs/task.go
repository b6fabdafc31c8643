package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"mixduck/internal/fault"
)

// payloadVersion is that of [payload]. A worker refuses versions that it does not know.
const payloadVersion = 1

// payload is the body of an Asynq task: a turn. What to do stands in the job's record.
type payload struct {
	V     int    `json:"v"`
	Job   string `json:"job"`
	Lane  string `json:"lane"`
	Fence int64  `json:"fence"`
}

// taskType is the type of the Asynq tasks of a kind. Its version is that of the kind's arguments in the record.
func taskType(k Kind) string { return string(k) + ":v1" }

// taskID is unique to a turn, so that a turn can be announced twice, and Asynq never refuses a new one.
func taskID(t turn) string { return fmt.Sprintf("%s:%d", t.job, t.fence) }

// taskTimeout is what Asynq allows an attempt. Attempts have no such limit; without a value Asynq takes 30 minutes.
const taskTimeout = 30 * 24 * time.Hour

// announce makes the turn of r's job an Asynq task, unless it is one.
func (q *Queue) announce(ctx context.Context, t turn, r Record) error {
	body, err := json.Marshal(payload{V: payloadVersion, Job: t.job, Lane: t.lane, Fence: t.fence})
	if err != nil {
		return fmt.Errorf("encode the task of job %s: %w", t.job, err)
	}
	// The worker settles each turn itself and never fails a task. What Asynq retries is a task whose process died: it
	// comes back, is found stale and ends. With no retries at all it would lie in the archive for months.
	_, err = q.client.EnqueueContext(ctx, asynq.NewTask(taskType(r.Kind), body), asynq.Queue(r.queue()),
		asynq.TaskID(taskID(t)), asynq.MaxRetry(1), asynq.Timeout(taskTimeout))
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue job %s: %w", t.job, err)
	}
	return nil
}

// queue returns the Asynq queue of the job's turns.
func (r Record) queue() string { return queueName(volumeOf(r.Database), r.Kind, r.Priority) }

// pending reports whether the Asynq task of a turn of r's job still waits for a worker to take it, as far as one can tell.
func (q *Queue) pending(t turn, r Record) (bool, error) {
	info, err := q.inspector.GetTaskInfo(r.queue(), taskID(t))
	switch {
	case errors.Is(err, asynq.ErrQueueNotFound):
		return true, nil // after a FLUSHALL the list of queues stays incomplete
	case errors.Is(err, asynq.ErrTaskNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("task of job %s: %w", t.job, err)
	}
	return info.State == asynq.TaskStatePending, nil
}

// discard takes the Asynq task of the last turn of a job away that nobody has taken and nobody needs any more. Where that
// does not do, the worker that takes it finds that the turn is over.
func (q *Queue) discard(e *entry) {
	if e.fence == 0 {
		return // it has had no turn
	}
	_ = q.inspector.DeleteTask(e.queue(), taskID(turn{job: e.ID, fence: e.fence}))
}

// parsePayload reads the turn from a task. The turn is set also beside an error, if the job can be told from the body.
func parsePayload(body []byte) (turn, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return turn{}, fmt.Errorf("task payload: %w", err)
	}
	t := turn{lane: p.Lane, job: p.Job, fence: p.Fence}
	if p.V != payloadVersion {
		return t, fault.New(fault.CodeFailed, "run the same version of worker and enqueue, then retry the job",
			"this worker does not know version %d of task payloads", p.V)
	}
	return t, nil
}
