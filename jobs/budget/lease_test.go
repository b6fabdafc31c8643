package budget

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mixduck/internal/redistest"
)

// bubbleBudget returns a budget for a test in a synctest bubble. It uses the clock of its Redis. Calling stop ends it.
func bubbleBudget(t *testing.T, cfg Config) (b *Budget, stop func()) {
	t.Helper()
	rdb, stop := redistest.Bubble(t)
	b, err := New(rdb, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b, stop
}

func TestAcquireWaitsForTheSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, stop := bubbleBudget(t, Config{PerPeriod: 54})
		defer stop()
		started := time.Now()
		var went []time.Duration
		for range 6 {
			if _, err := b.Acquire(t.Context(), "demo", "w1"); err != nil {
				t.Fatal(err)
			}
			went = append(went, time.Since(started).Round(time.Millisecond))
		}
		if went[2] > 100*time.Millisecond || went[3] < time.Second || went[5] > 2*time.Second {
			t.Errorf("requests went after %v; want three at once and three more than a second later", went)
		}
	})
}

func TestAcquireDoesNotWaitLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, stop := bubbleBudget(t, Config{PerPeriod: 54, PerSecond: 1})
		defer stop()
		started := time.Now()
		var all sync.WaitGroup
		var mu sync.Mutex
		allowed := 0
		for range 5 {
			all.Go(func() {
				_, err := b.Acquire(t.Context(), "demo", "w1")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					allowed++
				} else if full, ok := errors.AsType[*Error](err); !ok || full.Limit != LimitSecond || time.Until(full.Until) > 3*time.Second {
					t.Errorf("Acquire() = %v, want the limit of the second", err)
				}
			})
		}
		all.Wait()
		if took := time.Since(started); allowed != 2 || took > patience {
			t.Errorf("%d requests were allowed in %v, want two in %v at most", allowed, took, patience)
		}
	})
}

func TestARequestThatIsNotSentDoesNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, stop := bubbleBudget(t, Config{PerPeriod: 54, PerSecond: 1})
		defer stop()
		if _, err := b.Acquire(t.Context(), "demo", "w1"); err != nil {
			t.Fatal(err)
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, cause)
		defer cancel()
		if _, err := b.Acquire(ctx, "demo", "w1"); !errors.Is(err, cause) {
			t.Errorf("Acquire() = %v, want the cause of its context", err)
		}
		if s, err := b.State(t.Context(), "demo"); err != nil || s.UsedLastHour != 1 || s.AtOnce != 1 {
			t.Errorf("State() = %+v, %v; want the first request only", s, err)
		}
	})
}

func TestLeasesOfTheDeadReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, stop := bubbleBudget(t, Config{PerPeriod: 54, AtOnce: 1})
		defer stop()
		l, err := b.Acquire(t.Context(), "demo", "w1")
		if err != nil {
			t.Fatal(err)
		}
		alive, die := context.WithCancel(t.Context())
		var keeping sync.WaitGroup
		keeping.Go(func() { l.Keep(alive) })
		time.Sleep(10 * time.Minute)
		if _, err := b.Acquire(t.Context(), "demo", "w2"); err == nil {
			t.Error("the lease was given away though it was kept")
		}
		die()
		keeping.Wait()
		time.Sleep(defaultLeaseTTL)
		if _, err := b.Acquire(t.Context(), "demo", "w2"); err != nil {
			t.Errorf("Acquire() = %v after the holder's death", err)
		}
		if err := l.Renew(t.Context()); err != nil {
			t.Errorf("Renew() = %v", err)
		}
		if s, err := b.State(t.Context(), "demo"); err != nil || s.AtOnce != 1 || s.UsedLastHour != 2 {
			t.Errorf("State() = %+v, %v; want a lease that has returned to stay away", s, err)
		}
	})
}
