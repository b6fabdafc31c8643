package fetch

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"mixduck/jobs/budget"
)

// Budget lends a workspace the requests that all workers share.
type Budget struct {
	shared *budget.Budget
	api    budget.API
	holder string
	log    *slog.Logger
}

// NewBudget returns the budget of an API as the worker named holder sees it.
func NewBudget(shared *budget.Budget, api budget.API, holder string, log *slog.Logger) *Budget {
	return &Budget{shared: shared, api: api, holder: holder, log: log}
}

// key returns the name under which requests of a project are counted.
func (b *Budget) key(project int64) string { return b.api.Of(strconv.FormatInt(project, 10)) }

// Spare returns the budget for a fetch that leaves a reserve to others.
func (b *Budget) Spare() *Budget {
	spare := *b
	spare.shared = b.shared.Spare()
	return &spare
}

// askAgain is how often a queue that cannot be reached is asked again.
const askAgain = time.Second

// Acquire books a request and keeps its lease until release is called. It returns a *[budget.Error] where the
// request has to wait for long. It waits by itself where only the second is full, and for a queue that cannot be
// reached: nothing may be sent that nobody counts.
func (b *Budget) Acquire(ctx context.Context, project int64) (release func(), err error) {
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for {
		lease, err := b.shared.Acquire(ctx, b.key(project), b.holder)
		if err == nil {
			return b.keep(ctx, lease), nil
		}
		spent, ok := errors.AsType[*budget.Error](err)
		switch {
		case ctx.Err() != nil, ok && spent.Limit != budget.LimitSecond:
			return nil, err
		case !ok:
			b.log.LogAttrs(ctx, slog.LevelWarn, "queue unavailable, export request delayed", slog.Any("err", err))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// keep renews a lease until the function that it returns is called.
func (b *Budget) keep(ctx context.Context, lease budget.Lease) (release func()) {
	renewing, stop := context.WithCancel(ctx)
	var renewal sync.WaitGroup
	renewal.Go(func() { lease.Keep(renewing) })
	return func() {
		stop()
		renewal.Wait()
		lease.Release(ctx)
	}
}

// Heard tells all workers that Mixpanel takes left more requests of the project until a time.
func (b *Budget) Heard(ctx context.Context, project int64, left int, until time.Time) {
	if err := b.shared.Overrule(ctx, b.key(project), until, left); err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "could not share mixpanel's rate limit with other workers", slog.Any("err", err))
	}
}
