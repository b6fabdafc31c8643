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

// PriorityWeights returns the relative shares of the priorities.
func PriorityWeights() map[jobs.Priority]int {
	return map[jobs.Priority]int{jobs.PriorityHigh: 6, jobs.PriorityDefault: 3, jobs.PriorityLow: 1}
}

// QueueName returns the Asynq queue of a volume, kind of work and priority. All jobs that write to databases share the
// queues named after fetches. Others have no priorities, because each queue costs idle workers a request.
func QueueName(volume string, work jobs.Kind, p jobs.Priority) string {
	if !work.Writes() || work == jobs.KindPublish {
		return volume + "." + string(work)
	}
	name := volume + "." + string(jobs.KindFetch)
	if p.OrDefault() == jobs.PriorityDefault {
		return name
	}
	return name + "." + string(p)
}

// PayloadVersion is the version of [payload]. Workers reject unknown versions.
const PayloadVersion = 1

// payload is the body of an Asynq task: a turn. The job's record describes the work.
type payload struct {
	V     int    `json:"v"`
	Job   string `json:"job"`
	Lane  string `json:"lane"`
	Fence int64  `json:"fence"`
}

// TaskType returns the type of the Asynq tasks of a kind. Its version is that of the kind's arguments in the record.
func TaskType(k jobs.Kind) string { return string(k) + ":v1" }

// TaskID is unique to a turn. So a turn can be announced twice, and Asynq never rejects a new one.
func TaskID(t Turn) string { return fmt.Sprintf("%s:%d", t.Job, t.Fence) }

// TaskTimeout is Asynq's limit for an attempt. Attempts have no such limit, but without a value Asynq uses 30 minutes.
const TaskTimeout = 30 * 24 * time.Hour

// announce makes an Asynq task for the turn of r's job, unless there is one.
func (en *Engine) announce(ctx context.Context, t Turn, r jobs.Record) error {
	body, err := json.Marshal(payload{V: PayloadVersion, Job: t.Job, Lane: t.Lane, Fence: t.Fence})
	if err != nil {
		return fmt.Errorf("encode the task of job %s: %w", t.Job, err)
	}
	// The worker settles each turn itself and never fails a task. Asynq retries only tasks of dead processes: such a
	// task comes back, turns out to be stale, and ends. Without any retries it would stay in the archive for months.
	_, err = en.Client.EnqueueContext(ctx, asynq.NewTask(TaskType(r.Kind), body), asynq.Queue(queueOf(r)),
		asynq.TaskID(TaskID(t)), asynq.MaxRetry(1), asynq.Timeout(TaskTimeout))
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue job %s: %w", t.Job, err)
	}
	return nil
}

// queueOf returns the Asynq queue of the job's turns.
func queueOf(r jobs.Record) string { return QueueName(jobs.VolumeOf(r.Database), r.Work(), r.Priority) }

// Pending reports whether the Asynq task of a turn of r's job seems to be still waiting for a worker.
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

// Discard deletes the unneeded Asynq task of a job's last turn, if no worker has taken it. If that fails, the worker
// that takes it finds that the turn is over.
func (en *Engine) Discard(e *Entry) {
	if e.Fence == 0 {
		return // it has not had a turn
	}
	_ = en.Inspector.DeleteTask(queueOf(e.Record), TaskID(Turn{Job: e.ID, Fence: e.Fence}))
}

// ParsePayload reads the turn from a task. It returns the turn even with an error, if the body identifies the job.
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
