package workspace

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// gate limits what the windows of a fetch do at the same time.
type gate struct {
	downloads *semaphore.Weighted
	loads     *semaphore.Weighted
	drained   context.Context //nolint:containedctx // the event that downloads may no longer go on
	drain     context.CancelCauseFunc
}

func newGate(downloads int, loads *semaphore.Weighted) *gate {
	g := &gate{downloads: semaphore.NewWeighted(int64(downloads)), loads: loads}
	g.drained, g.drain = context.WithCancelCause(context.Background())
	return g
}

// closeDownloads ends all downloads with ErrDrained and lets no new ones start. Loads continue.
func (g *gate) closeDownloads() { g.drain(ErrDrained) }

// download runs fn when a download slot is free.
func (g *gate) download(ctx context.Context, fn func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(g.drained, func() { cancel(ErrDrained) })()
	if err := g.downloads.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	defer g.downloads.Release(1)
	return fn(ctx)
}

// load runs fn when a load slot is free.
func (g *gate) load(ctx context.Context, fn func() error) error {
	if err := g.loads.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	defer g.loads.Release(1)
	return fn()
}
