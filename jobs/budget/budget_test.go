package budget_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs/budget"
	"mixduck/jobs/internal/jobstest"
)

func TestClientsShareABudget(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		const perHour, clients = 6, 4
		var (
			all     sync.WaitGroup
			mu      sync.Mutex
			allowed int
			refused []error
		)
		for i := range clients {
			b := jobstest.NewBudget(t, budget.Config{PerPeriod: perHour, PerSecond: 100})
			all.Go(func() {
				for range perHour {
					l, err := b.Acquire(t.Context(), "demo", fmt.Sprintf("w%d", i))
					mu.Lock()
					if err == nil {
						allowed++
						l.Release(t.Context())
						l.Release(t.Context())
					} else {
						refused = append(refused, err)
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if allowed != perHour {
			t.Errorf("%d requests were allowed, want %d", allowed, perHour)
		}
		for _, err := range refused {
			full, ok := errors.AsType[*budget.Error](err)
			if !ok || full.Limit != budget.LimitHour || (time.Until(full.Until)-time.Hour).Abs() > time.Minute {
				t.Fatalf("Acquire() = %v, want the hour's limit, for an hour", err)
			}
			if fault.CodeOf(err) != fault.CodeRateLimited || !strings.Contains(fault.HintOf(err), "--project demo") {
				t.Fatalf("Acquire() = %v with code %s and hint %q", err, fault.CodeOf(err), fault.HintOf(err))
			}
		}
		b := jobstest.NewBudget(t, budget.Config{PerPeriod: 54})
		s, err := b.State(t.Context(), "demo")
		if err != nil || s.UsedLastHour != perHour || s.Limit != perHour || s.Left != 0 || s.AtOnce != 0 || s.NextFreeAt.IsZero() || s.RefillsAt.IsZero() {
			t.Errorf("State() = %+v, %v; want the hour used up, as the others were held to it", s, err)
		}
		if _, err := b.Acquire(t.Context(), "other", "w1"); err != nil {
			t.Errorf("another project: %v", err)
		}
		if s, err := b.State(t.Context(), "unused"); err != nil || s != (budget.State{Limit: 54, Left: 54}) {
			t.Errorf("State() of a budget that nobody has used = %+v, %v", s, err)
		}
	})
}

func TestLeasesAreLimited(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		b := jobstest.NewBudget(t, budget.Config{PerPeriod: 54, AtOnce: 1})
		first, err := b.Acquire(t.Context(), "demo", "w1")
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Acquire(t.Context(), "demo", "w2")
		full, ok := errors.AsType[*budget.Error](err)
		if !ok || full.Limit != budget.LimitAtOnce || time.Until(full.Until) > 6*time.Second {
			t.Errorf("Acquire() = %v, want the limit of requests at once, for a moment", err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		first.Release(ended) // it still works
		if _, err := b.Acquire(t.Context(), "demo", "w2"); err != nil {
			t.Errorf("Acquire() = %v after the lease was released", err)
		}
	})
}

func TestTheServerOverrulesTheBudget(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		b := jobstest.NewBudget(t, budget.Config{PerPeriod: 54, PerSecond: 100})
		until := time.Now().Add(20 * time.Minute)
		overrule := func(until time.Time, remaining int) {
			t.Helper()
			if err := b.Overrule(t.Context(), "demo", until, remaining); err != nil {
				t.Fatal(err)
			}
		}
		overrule(until, 1)
		if s, err := b.State(t.Context(), "demo"); err != nil || s.Left != 1 || !s.BlockedUntil.IsZero() {
			t.Errorf("State() = %+v, %v; want one request left", s, err)
		}
		refusals := 0
		for range 2 {
			_, err := b.Acquire(t.Context(), "demo", "w1")
			if full, ok := errors.AsType[*budget.Error](err); ok && full.Limit == budget.LimitServer && full.Until.Sub(until).Abs() < time.Second {
				refusals++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if refusals != 1 {
			t.Errorf("%d of two requests were refused, want one", refusals)
		}
		later := until.Add(time.Minute)
		overrule(later, 0)
		overrule(until, 5) // an earlier response
		_, err := b.Acquire(t.Context(), "demo", "w1")
		if full, ok := errors.AsType[*budget.Error](err); !ok || full.Until.Sub(later).Abs() > time.Second {
			t.Errorf("Acquire() = %v, want it refused until %v", err, later)
		}
		if s, err := b.State(t.Context(), "demo"); err != nil || s.Left != 0 || s.BlockedUntil.Sub(later).Abs() > time.Second {
			t.Errorf("State() = %+v, %v; want it blocked until %v", s, err, later)
		}
		overrule(time.Now().Add(1000*time.Hour), 0)
		if s, err := b.State(t.Context(), "demo"); err != nil || time.Until(s.BlockedUntil) > 25*time.Hour {
			t.Errorf("State() = %+v, %v; want it blocked for a day at most", s, err)
		}
	})
}

func TestABudgetStoresNothingForEver(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		b := jobstest.NewBudget(t, budget.Config{PerPeriod: 54})
		l, err := b.Acquire(t.Context(), "demo", "w1")
		if err == nil {
			err = errors.Join(l.Renew(t.Context()), b.Overrule(t.Context(), "demo", time.Now().Add(time.Minute), 3))
		}
		if err != nil {
			t.Fatal(err)
		}
		keys := t.Rdb.Keys(t.Context(), "mixduck:{budget:*").Val()
		if len(keys) != 3 {
			t.Errorf("keys = %q, want three", keys)
		}
		for _, key := range keys {
			if ttl := t.Rdb.TTL(t.Context(), key).Val(); ttl <= 0 || ttl > time.Hour {
				t.Errorf("%s lasts %v", key, ttl)
			}
		}
	})
}

func TestBudgetRefusesSenselessLimits(t *testing.T) {
	t.Parallel()
	for _, cfg := range []budget.Config{{}, {PerPeriod: -1}, {PerPeriod: 1, PerSecond: -1}, {PerPeriod: 1, AtOnce: -1}, {PerPeriod: 1, LeaseTTL: -1}} {
		if _, err := budget.New(nil, cfg); fault.CodeOf(err) != fault.CodeUsage {
			t.Errorf("New(%+v) = %v, want a usage error", cfg, err)
		}
	}
}

// Spare requests leave a third of the hour to callers that cannot wait, and these can use it.
func TestSpareRequestsLeaveAThird(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		at := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
		b := jobstest.NewBudget(t, budget.Config{PerPeriod: 9, PerSecond: 100, Now: func() time.Time { return at }})
		spare := b.Spare()
		acquire := func(b *budget.Budget) error {
			_, err := b.Acquire(t.Context(), "demo", "w")
			return err
		}
		for n := range 6 {
			if err := acquire(spare); err != nil {
				t.Fatalf("spare request %d: %v", n+1, err)
			}
		}
		refused, ok := errors.AsType[*budget.Error](acquire(spare))
		if !ok || refused.Limit != budget.LimitReserve || !refused.Until.Equal(at.Add(time.Hour)) || !strings.Contains(refused.Error(), "kept for jobs that cannot wait") {
			t.Fatalf("the seventh spare request: %v, want it to wait for an hour", refused)
		}
		for n := range 3 {
			if err := acquire(b); err != nil {
				t.Fatalf("request %d of those that cannot wait: %v", n+1, err)
			}
		}
		if refused, ok := errors.AsType[*budget.Error](acquire(b)); !ok || refused.Limit != budget.LimitHour {
			t.Fatalf("the tenth request: %v, want the hour to be used up", refused)
		}
		at = at.Add(time.Hour)
		if err := acquire(spare); err != nil {
			t.Errorf("a spare request after an hour: %v", err)
		}
	})
}
