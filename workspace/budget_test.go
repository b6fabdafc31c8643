package workspace_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// allowance is a budget of a few requests.
type allowance struct {
	until time.Time

	mu      sync.Mutex
	left    int
	lent    int // leases that are not released
	refused time.Time
}

type spentError struct{ at time.Time }

func (spentError) Error() string        { return "spent" }
func (e spentError) RetryAt() time.Time { return e.at }

func (a *allowance) Acquire(context.Context, int64) (func(), error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left == 0 {
		return nil, spentError{a.until}
	}
	a.left--
	a.lent++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.lent--
	}, nil
}

func (a *allowance) Refused(_ context.Context, _ int64, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = until
}

func TestBudgetIsSpentThenWaitedFor(t *testing.T) {
	t.Parallel()
	a := &allowance{left: 2, until: now.Add(40 * time.Minute)}
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, func(_ *mixpaneltest.Project, c *workspace.Config) {
		c.Budget, c.Downloads = a, 1
	})
	r := days(t, "2026-11-01", "2026-11-04")
	p, err := f.fetch(t, r)
	pause, ok := errors.AsType[*workspace.PauseError](err)
	if !ok || !pause.Until.Equal(a.until) {
		t.Fatalf("error = %v, want a pause until %s", err, a.until)
	}
	if sent := len(f.fake.Requests()); sent != 2 || p.Requests != 2 || p.WindowsDone != 2 || a.lent != 0 {
		t.Fatalf("%d requests were sent, %d counted, %d windows done, %d leases kept; want 2, 2, 2, 0", sent, p.Requests, p.WindowsDone, a.lent)
	}
	a.left = 100
	if _, err := f.fetch(t, r); err != nil {
		t.Fatal(err)
	}
	f.check(t, r)
}

func TestBudgetLearnsThatMixpanelRefused(t *testing.T) {
	t.Parallel()
	a := &allowance{left: 100}
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, func(_ *mixpaneltest.Project, c *workspace.Config) { c.Budget = a })
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, RetryAfter: 10 * time.Minute})
	_, err := f.fetch(t, days(t, "2026-11-01", "2026-11-01"))
	if _, ok := errors.AsType[*workspace.PauseError](err); !ok || !a.refused.Equal(now.Add(10*time.Minute)) {
		t.Fatalf("error = %v, the budget learned %s; want a pause, and %s", err, a.refused, now.Add(10*time.Minute))
	}
}
