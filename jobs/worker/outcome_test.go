package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mixduck/internal/fault"
	"mixduck/jobs"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	later := now.Add(time.Hour)
	plain := errors.New("no luck")
	pause := fmt.Errorf("window 2025-01-01: %w", jobs.PauseUntil(later, plain))
	tests := []struct {
		name    string
		err     error
		cause   error
		attempt int
		want    jobs.State // "" means nothing to settle
		refund  bool
	}{
		{"no error is done", nil, nil, 1, jobs.StateDone, false},
		{"done beats a late cancel", nil, jobs.ErrCancelled, 1, jobs.StateDone, false},
		{"done beats a shutdown", nil, jobs.ErrShutdown, 1, jobs.StateDone, false},
		{"an error is temporary", plain, nil, 1, jobs.StateRetrying, false},
		{"a timeout is temporary", context.DeadlineExceeded, nil, 1, jobs.StateRetrying, false},
		{"a usage error is temporary unless marked", fault.Usage("", "x"), nil, 1, jobs.StateRetrying, false},
		{"the last attempt fails", plain, nil, 3, jobs.StateFailed, false},
		{"permanent fails at once", fmt.Errorf("x: %w", jobs.Permanent(plain)), nil, 1, jobs.StateFailed, false},
		{"a pause costs no attempt", pause, nil, 3, jobs.StatePaused, true},
		{"a cancel ends it", context.Canceled, jobs.ErrCancelled, 1, jobs.StateCancelled, false},
		{"a cancel beats a pause", pause, jobs.ErrCancelled, 1, jobs.StateCancelled, false},
		{"a shutdown costs no attempt", context.Canceled, jobs.ErrShutdown, 3, jobs.StateWaiting, true},
		{"a handler that ends by itself has failed", fmt.Errorf("%w: x", jobs.ErrShutdown), nil, 1, jobs.StateRetrying, false},
		{"unless the worker drains", fmt.Errorf("%w: x", jobs.ErrShutdown), jobs.ErrShutdown, 3, jobs.StateWaiting, true},
		{"a cancel beats that too", jobs.ErrShutdown, jobs.ErrCancelled, 1, jobs.StateCancelled, false},
		{"a lost lane is somebody else's", plain, jobs.ErrLaneLost, 1, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o, ok := decide(tt.err, tt.cause, tt.attempt, 3, Backoff{Base: time.Second, Cap: time.Minute}, now)
			if o.State != tt.want || ok != (tt.want != "") || o.Refund != tt.refund {
				t.Errorf("decide() = %+v, %v; want %q", o, ok, tt.want)
			}
			if (o.Failure != nil) != (o.State == jobs.StateFailed || o.State == jobs.StateRetrying) {
				t.Errorf("failure = %+v of a job that is %s", o.Failure, o.State)
			}
			if o.State == jobs.StatePaused && !o.RunAt.Equal(later) {
				t.Errorf("runAt = %v, want %v", o.RunAt, later)
			}
		})
	}
}

func TestAPauseIsNeverInThePast(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	if o, _ := decide(jobs.PauseUntil(time.Time{}, errors.New("x")), nil, 1, 1, Backoff{}, now); !o.RunAt.Equal(now.Add(shortestPause)) {
		t.Errorf("runAt = %v, want a little after %v", o.RunAt, now)
	}
}

func TestBackoffGrowsToItsCap(t *testing.T) {
	t.Parallel()
	b := Backoff{Base: 5 * time.Second, Cap: 10 * time.Minute}
	for attempt, most := range map[int]time.Duration{
		1: 5 * time.Second, 2: 10 * time.Second, 7: 320 * time.Second, 8: 10 * time.Minute, 9: 10 * time.Minute, 1000: 10 * time.Minute,
	} {
		for range 100 {
			if d := b.after(attempt); d > most || d < most/2-1 {
				t.Fatalf("after(%d) = %v, want %v to %v", attempt, d, most/2, most)
			}
		}
	}
}

func TestFailuresAreShort(t *testing.T) {
	t.Parallel()
	err := fault.New(fault.CodeAuth, "a\nhint", "%s", "first\nsecond\xff"+strings.Repeat("ü", 3000))
	f := jobs.FailureOf(err, time.Now())
	if f.Code != fault.CodeAuth || f.Hint != "a hint" || !strings.HasPrefix(f.Message, "first\nsecond�ü") {
		t.Errorf("failure = %+v", f)
	}
	if len(f.Message) > jobs.MaxMessageBytes || !utf8.ValidString(f.Message) || !strings.HasSuffix(f.Message, "…") {
		t.Errorf("message has %d bytes and ends in %q", len(f.Message), f.Message[len(f.Message)-6:])
	}
}
