package lanes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/field"
)

// Ended says how an attempt ended. The zero value means that its turn was lost.
type Ended struct {
	Outcome jobs.AttemptOutcome `json:"outcome,omitempty"`
	Code    fault.Code          `json:"code,omitempty"`
	Message string              `json:"message,omitempty"`
}

// ended returns what the log of attempts says about o.
func (o Outcome) ended() Ended {
	end := Ended{Outcome: jobs.AttemptOutcome(o.State), Message: o.Note}
	if o.State == jobs.StateWaiting {
		end.Outcome = jobs.AttemptStopped
	}
	if o.Failure != nil {
		end.Code, end.Message = o.Failure.Code, o.Failure.Message
	}
	return end
}

// AttemptsKey is a LIST of the attempts of a job that have ended, oldest first.
func AttemptsKey(id string) string { return RecordPrefix + "attempts:" + id }

// WindowsKey is a HASH of the windows of the attempt that runs or ran last, by their days.
func WindowsKey(id string) string { return RecordPrefix + "windows:" + id }

// Attempts returns the last attempts of jobs that have ended, oldest first, by job, in one round trip.
func (s Store) Attempts(ctx context.Context, ids ...string) (map[string][]jobs.PastAttempt, error) {
	pipe := s.rdb.Pipeline()
	texts := make(map[string]*redis.StringSliceCmd, len(ids))
	for _, id := range ids {
		texts[id] = pipe.LRange(ctx, AttemptsKey(id), 0, -1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read the attempts of jobs: %w", err)
	}
	all := make(map[string][]jobs.PastAttempt, len(ids))
	for id, list := range texts {
		for _, text := range list.Val() {
			attempt, err := parseAttempt(text)
			if err != nil {
				return nil, fmt.Errorf("attempts of job %s: %w", id, err)
			}
			all[id] = append(all[id], attempt)
		}
	}
	return all, nil
}

func parseAttempt(text string) (jobs.PastAttempt, error) {
	var fields map[string]string
	var end Ended
	err := json.Unmarshal([]byte(text), &fields)
	p := field.Parser{Fields: fields}
	p.JSON("how", &end)
	attempt := jobs.PastAttempt{
		Number: int(p.Int("number")), Started: p.Time("started"), Ended: p.Time("ended"), Worker: fields["worker"],
		Outcome: end.Outcome, Code: end.Code, Message: end.Message,
	}
	if attempt.Outcome == "" {
		attempt.Outcome = jobs.AttemptLost
	}
	return attempt, errors.Join(err, p.Err)
}

// WriteWindows writes changes of the windows of a running turn, nil for windows to remove. It does nothing if the turn is
// over.
func (s Store) WriteWindows(ctx context.Context, t Turn, changed map[day.Range]*jobs.WindowState) error {
	if len(changed) == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, CallTimeout)
	defer stop()
	args := []any{t.Fence}
	for days, state := range changed {
		text := []byte{}
		if state != nil {
			var err error
			if text, err = json.Marshal(state); err != nil {
				return fmt.Errorf("encode the windows of job %s: %w", t.Job, err)
			}
		}
		args = append(args, days.String(), text)
	}
	if err := s.scripts.windows.Run(ctx, s.rdb, []string{RecordKey(t.Job), WindowsKey(t.Job)}, args...).Err(); err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("write the windows of job %s: %w", t.Job, err)
	}
	return nil
}

// Windows returns the windows of the attempt that runs or ran last, by their days.
func (s Store) Windows(ctx context.Context, id string) ([]jobs.WindowState, error) {
	texts, err := s.rdb.HVals(ctx, WindowsKey(id)).Result()
	if err != nil {
		return nil, fmt.Errorf("read the windows of job %s: %w", id, err)
	}
	all := make([]jobs.WindowState, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &all[i]); err != nil {
			return nil, fmt.Errorf("windows of job %s: %w", id, err)
		}
	}
	slices.SortFunc(all, func(a, b jobs.WindowState) int { return int(a.Days.From - b.Days.From) })
	return all, nil
}
