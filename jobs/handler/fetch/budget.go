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

// Budget gives a workspace the requests that all workers share.
type Budget struct {
	shared *budget.Budget
	api    budget.API
	holder string
	log    *slog.Logger
}

// NewBudget returns the budget of an API for the worker named holder.
func NewBudget(shared *budget.Budget, api budget.API, holder string, log *slog.Logger) *Budget {
	return &Budget{shared: shared, api: api, holder: holder, log: log}
}

// key returns the name that requests of a project are counted under.
func (b *Budget) key(project int64) string { return b.api.Of(strconv.FormatInt(project, 10)) }

// Spare returns the budget for a fetch that leaves a reserve to others.
func (b *Budget) Spare() *Budget {
	spare := *b
	spare.shared = b.shared.Spare()
	return &spare
}

// askAgain is the interval of retries while the queue is unreachable.
const askAgain = time.Second

// Acquire books a request and keeps its lease until release is called. If the request has to wait for long, it returns
// a *[budget.Error]. It waits if only the limit per second is reached, or if the queue is unreachable, because no
// request may be sent without being counted.
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

// keep renews a lease until the returned function is called.
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

// Heard tells all workers that Mixpanel accepts left more requests of the project until a time.
func (b *Budget) Heard(ctx context.Context, project int64, left int, until time.Time) {
	if err := b.shared.Overrule(ctx, b.key(project), until, left); err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "could not share mixpanel's rate limit with other workers", slog.Any("err", err))
	}
}
