package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

const savedTries = 20 // while others save questions

// SavedQuestions returns the saved questions, sorted by name.
func (q *Queue) SavedQuestions(ctx context.Context) ([]jobs.SavedQuestion, error) {
	known, err := q.CopySaved(ctx)
	if err != nil {
		return nil, err
	}
	all := []jobs.SavedQuestion{}
	for _, s := range known {
		if !s.Removed {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b jobs.SavedQuestion) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Name, b.Name))
	})
	return all, nil
}

// SaveQuestion saves a question. It replaces another one of its name.
func (q *Queue) SaveQuestion(ctx context.Context, s jobs.SavedQuestion) error {
	if err := s.Validate(); err != nil {
		return err
	}
	return q.changeSaved(ctx, func(known map[string]jobs.SavedQuestion, now time.Time) error {
		s.SavedAt, s.Removed = after(known[s.Name], now), false
		known[s.Name] = s
		return nil
	})
}

// RemoveQuestion removes a saved question, or returns [jobs.ErrNoQuestion].
func (q *Queue) RemoveQuestion(ctx context.Context, name string) error {
	return q.changeSaved(ctx, func(known map[string]jobs.SavedQuestion, now time.Time) error {
		s, ok := known[name]
		if !ok || s.Removed {
			return jobs.ErrNoQuestion
		}
		known[name] = jobs.SavedQuestion{Name: name, SavedAt: after(s, now), Removed: true}
		return nil
	})
}

// after returns a time for a change of s, so that the last change has the newest time also if clocks go back.
func after(s jobs.SavedQuestion, now time.Time) time.Time {
	if !now.After(s.SavedAt) {
		now = s.SavedAt.Add(time.Millisecond)
	}
	return now.UTC()
}

// CopySaved returns all questions by name, including those that were removed.
func (q *Queue) CopySaved(ctx context.Context) (map[string]jobs.SavedQuestion, error) {
	return readSaved(ctx, q.e.Redis)
}

// RestoreSaved writes the questions of a copy, unless Redis knows newer ones.
func (q *Queue) RestoreSaved(ctx context.Context, kept map[string]jobs.SavedQuestion) error {
	known, err := q.CopySaved(ctx)
	if err != nil {
		return err
	}
	if !newer(kept, known) {
		return nil
	}
	return q.changeSaved(ctx, func(known map[string]jobs.SavedQuestion, _ time.Time) error {
		for name, s := range kept {
			if s.SavedAt.After(known[name].SavedAt) {
				known[name] = s
			}
		}
		return nil
	})
}

// newer reports whether kept has a newer question than known.
func newer(kept, known map[string]jobs.SavedQuestion) bool {
	for name, s := range kept {
		if s.SavedAt.After(known[name].SavedAt) {
			return true
		}
	}
	return false
}

// changeSaved changes the questions in one step.
func (q *Queue) changeSaved(ctx context.Context, change func(known map[string]jobs.SavedQuestion, now time.Time) error) error {
	now, err := q.e.Time(ctx)
	if err != nil {
		return err
	}
	for range savedTries {
		err = q.e.Redis.Watch(ctx, func(tx *redis.Tx) error {
			known, err := readSaved(ctx, tx)
			if err != nil {
				return err
			}
			if err := change(known, now); err != nil {
				return err
			}
			return writeSaved(ctx, tx, known, now)
		}, lanes.SavedKey)
		if !errors.Is(err, redis.TxFailedErr) {
			break
		}
	}
	if err != nil && fault.CodeOf(err) == fault.CodeFailed {
		err = fmt.Errorf("change the saved questions: %w", err)
	}
	return err
}

func readSaved(ctx context.Context, rdb redis.Cmdable) (map[string]jobs.SavedQuestion, error) {
	known, err := documents[jobs.SavedQuestion](ctx, rdb, lanes.SavedKey)
	if err != nil {
		return nil, fmt.Errorf("read the saved questions: %w", err)
	}
	return known, nil
}

// writeSaved writes all questions, if they are not too long together.
func writeSaved(ctx context.Context, tx *redis.Tx, known map[string]jobs.SavedQuestion, now time.Time) error {
	values := map[string]any{}
	size := 0
	for name, s := range known {
		if s.Forgotten(now) {
			continue
		}
		body, err := json.Marshal(s)
		if err != nil {
			return err
		}
		values[name] = body
		size += len(name) + len(body)
	}
	if size > jobs.MaxSavedBytes {
		return fault.Usage("remove some, or keep long statements in files", "the saved questions would have %d bytes together; at most %d are allowed", size, jobs.MaxSavedBytes)
	}
	_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Del(ctx, lanes.SavedKey)
		if len(values) > 0 {
			pipe.HSet(ctx, lanes.SavedKey, values)
		}
		return nil
	})
	return err
}
