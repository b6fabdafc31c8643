package lanes

import (
	"encoding/json"
	"fmt"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/field"
)

// Outcome is the result of an attempt for its job.
type Outcome struct {
	State   jobs.State
	RunAt   time.Time     // if paused or retrying
	Failure *jobs.Failure // if failed or retrying
	Result  *jobs.Result  // if done
	Note    string        // if paused
	Refund  bool          // the attempt does not count
}

// Move returns the change of the record of t's job for o. It applies only while the turn's attempt runs, and resets
// the count of crashes, because this attempt ended normally.
func (o Outcome) Move(t Turn, p jobs.Progress) (Move, error) {
	p.Note = o.Note
	progress, err := json.Marshal(p)
	if err != nil {
		return Move{}, fmt.Errorf("encode the progress: %w", err)
	}
	m := Move{
		From: []jobs.State{jobs.StateRunning}, MinFence: t.Fence, MaxFence: t.Fence, To: o.State,
		Set:   []any{"progress", progress, "crashes", 0, "run_at", field.Millis(o.RunAt)},
		Ended: o.ended(),
	}
	if o.Refund {
		m.Attempts = -1
	}
	if o.Result != nil {
		result, err := json.Marshal(o.Result)
		if err != nil {
			return Move{}, fmt.Errorf("encode the result: %w", err)
		}
		m.Set = append(m.Set, "result", result)
	}
	if o.Failure != nil {
		failure, err := json.Marshal(o.Failure)
		if err != nil {
			return Move{}, fmt.Errorf("encode the failure: %w", err)
		}
		m.Set = append(m.Set, "failure", failure)
	}
	return m, nil
}
