package budget

import (
	"context"
	"time"
)

// Lease is the right to send one request of a project's budget, which counts as under way until the lease is released.
// One that is neither renewed nor released, as after a crash, returns by itself. It may be copied, and is safe for
// concurrent use; the zero lease is of no use.
type Lease struct {
	budget  *Budget
	project string
	id      string
}

// renewals is how often a lease is renewed in the time for which it lasts.
const renewals = 4

// Keep renews the lease until ctx is done, and then returns; the caller runs it beside a request that may take longer
// than a lease lasts. It bears a Redis that cannot be reached.
func (l Lease) Keep(ctx context.Context) {
	tick := time.NewTicker(l.budget.cfg.LeaseTTL / renewals)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = l.Renew(ctx) // a later one may do
		}
	}
}

// Renew makes the lease last for its whole time again. It does nothing to one that has been released, or has returned.
func (l Lease) Renew(ctx context.Context) error {
	b := l.budget
	now, err := b.now(ctx)
	if err != nil {
		return err
	}
	err = b.scripts.renew.Run(ctx, b.rdb, keysOf(l.project), l.id, now.Add(b.cfg.LeaseTTL).UnixMilli(), b.cfg.LeaseTTL.Milliseconds(), b.cfg.Period.Milliseconds()).Err()
	return faultOf(l.project, err)
}

// Release says that the request has ended. It does so also if ctx is done, and may be called again. If Redis cannot be
// reached the lease returns by itself.
func (l Lease) Release(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), leaseTimeout)
	defer stop()
	_ = l.budget.rdb.ZRem(ctx, keysOf(l.project)[1], l.id).Err()
}

// withdraw takes a request back that was booked and not sent. If Redis cannot be reached it counts.
func (l Lease) withdraw(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), leaseTimeout)
	defer stop()
	_ = l.budget.scripts.withdraw.Run(ctx, l.budget.rdb, keysOf(l.project), l.id, l.budget.cfg.Period.Milliseconds()).Err()
}
