package lanes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"mixduck/internal/fault"
	"mixduck/jobs"
)

// PriorityWeights are the shares of the priorities.
func PriorityWeights() map[jobs.Priority]int {
	return map[jobs.Priority]int{jobs.PriorityHigh: 6, jobs.PriorityDefault: 3, jobs.PriorityLow: 1}
}

// QueueName is the Asynq queue of a volume, kind and priority. All jobs that write share those named after fetches, and
// queries know no priorities: each queue costs idle workers a question.
func QueueName(volume string, k jobs.Kind, p jobs.Priority) string {
	if !k.Writes() {
		return volume + "." + string(jobs.KindQuery)
	}
	name := volume + "." + string(jobs.KindFetch)
	if p.OrDefault() == jobs.PriorityDefault {
		return name
	}
	return name + "." + string(p)
}

// PayloadVersion is that of [payload]. A worker refuses versions that it does not know.
const PayloadVersion = 1

// payload is the body of an Asynq task: a turn. What to do stands in the job's record.
type payload struct {
	V     int    `json:"v"`
	Job   string `json:"job"`
	Lane  string `json:"lane"`
	Fence int64  `json:"fence"`
}

// TaskType is the type of the Asynq tasks of a kind. Its version is that of the kind's arguments in the record.
func TaskType(k jobs.Kind) string { return string(k) + ":v1" }

// TaskID is unique to a turn, so that a turn can be announced twice, and Asynq never refuses a new one.
func TaskID(t Turn) string { return fmt.Sprintf("%s:%d", t.Job, t.Fence) }

// TaskTimeout is what Asynq allows an attempt. Attempts have no such limit; without a value Asynq takes 30 minutes.
const TaskTimeout = 30 * 24 * time.Hour

// announce makes the turn of r's job an Asynq task, unless it is one.
func (en *Engine) announce(ctx context.Context, t Turn, r jobs.Record) error {
	body, err := json.Marshal(payload{V: PayloadVersion, Job: t.Job, Lane: t.Lane, Fence: t.Fence})
	if err != nil {
		return fmt.Errorf("encode the task of job %s: %w", t.Job, err)
	}
	// The worker settles each turn itself and never fails a task. What Asynq retries is a task whose process died: it
	// comes back, is found stale and ends. With no retries at all it would lie in the archive for months.
	_, err = en.Client.EnqueueContext(ctx, asynq.NewTask(TaskType(r.Kind), body), asynq.Queue(queueOf(r)),
		asynq.TaskID(TaskID(t)), asynq.MaxRetry(1), asynq.Timeout(TaskTimeout))
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue job %s: %w", t.Job, err)
	}
	return nil
}

// queueOf returns the Asynq queue of the job's turns.
func queueOf(r jobs.Record) string { return QueueName(jobs.VolumeOf(r.Database), r.Kind, r.Priority) }

// Pending reports whether the Asynq task of a turn of r's job still waits for a worker to take it, as far as one can tell.
func (en *Engine) Pending(t Turn, r jobs.Record) (bool, error) {
	info, err := en.Inspector.GetTaskInfo(queueOf(r), TaskID(t))
	switch {
	case errors.Is(err, asynq.ErrQueueNotFound):
		return true, nil // after a FLUSHALL the list of queues stays incomplete
	case errors.Is(err, asynq.ErrTaskNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("task of job %s: %w", t.Job, err)
	}
	return info.State == asynq.TaskStatePending, nil
}

// Discard takes the Asynq task of the last turn of a job away that nobody has taken and nobody needs any more. Where that
// does not do, the worker that takes it finds that the turn is over.
func (en *Engine) Discard(e *Entry) {
	if e.Fence == 0 {
		return // it has had no turn
	}
	_ = en.Inspector.DeleteTask(queueOf(e.Record), TaskID(Turn{Job: e.ID, Fence: e.Fence}))
}

// ParsePayload reads the turn from a task. The turn is set also beside an error, if the job can be told from the body.
func ParsePayload(body []byte) (Turn, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return Turn{}, fmt.Errorf("task payload: %w", err)
	}
	t := Turn{Lane: p.Lane, Job: p.Job, Fence: p.Fence}
	if p.V != PayloadVersion {
		return t, fault.New(fault.CodeFailed, "run the same version of worker and enqueue, then retry the job",
			"this worker does not know version %d of task payloads", p.V)
	}
	return t, nil
}
