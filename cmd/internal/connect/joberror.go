package connect

import (
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
)

// Outcome returns the error of a final job, nil if it is done. self is the command line of the queue, for hints.
func Outcome(job jobs.Record, self string) error {
	switch {
	case job.State == jobs.StateCancelled:
		return fault.New(fault.CodeFailed, self+" jobs retry "+job.ID, "job %s was cancelled", job.ID)
	case job.State != jobs.StateFailed:
		return nil
	case job.Failure == nil:
		return fault.New(fault.CodeFailed, "", "job %s failed", job.ID)
	}
	return fault.New(job.Failure.Code, wording.Printable(job.Failure.Hint), "job %s failed: %s", job.ID, wording.Printable(job.Failure.Message))
}
