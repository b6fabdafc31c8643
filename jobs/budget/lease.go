package budget

import (
	"context"
	"time"
)

// Lease is the right to send one request of a project's budget. The request counts as in progress until the lease is
// released. A lease that is neither renewed nor released, as after a crash, expires. It may be copied, and is safe for
// concurrent use. The zero lease is unusable.
type Lease struct {
	budget  *Budget
	project string
	id      string
}

// renewals is how often a lease is renewed within its duration.
const renewals = 4

// Keep renews the lease until ctx is done, then returns. The caller runs it alongside a request that may take longer
// than a lease lasts. Keep tolerates an unreachable Redis.
func (l Lease) Keep(ctx context.Context) {
	tick := time.NewTicker(l.budget.cfg.LeaseTTL / renewals)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = l.Renew(ctx) // a later renewal can succeed
		}
	}
}

// Renew extends the lease to its full duration. It has no effect on a released or expired lease.
func (l Lease) Renew(ctx context.Context) error {
	b := l.budget
	now, err := b.now(ctx)
	if err != nil {
		return err
	}
	err = b.scripts.renew.Run(ctx, b.rdb, keysOf(l.project), l.id, now.Add(b.cfg.LeaseTTL).UnixMilli(), b.cfg.LeaseTTL.Milliseconds(), b.cfg.Period.Milliseconds()).Err()
	return faultOf(l.project, err)
}

// Release ends the request. It works even if ctx is done, and can be repeated. If Redis is unreachable, the lease
// expires.
func (l Lease) Release(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), leaseTimeout)
	defer stop()
	_ = l.budget.rdb.ZRem(ctx, keysOf(l.project)[1], l.id).Err()
}

// withdraw cancels the booking of a request that was not sent. If Redis is unreachable, the request counts.
func (l Lease) withdraw(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), leaseTimeout)
	defer stop()
	_ = l.budget.scripts.withdraw.Run(ctx, l.budget.rdb, keysOf(l.project), l.id, l.budget.cfg.Period.Milliseconds()).Err()
}
