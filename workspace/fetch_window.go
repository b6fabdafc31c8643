package workspace

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// window downloads and loads one window.
func (f *fetch) window(ctx context.Context, w window, g *gate) (storage.Receipt, error) {
	var resp *response
	f.tell(w, WindowDownloading, 0, nil)
	err := g.download(ctx, func(ctx context.Context) (err error) {
		began := time.Now()
		resp, err = f.download(ctx, f.export(f.req, w.days), w.repeat, &f.sent, &f.received)
		if err == nil {
			f.log.LogAttrs(ctx, slog.LevelDebug, "window downloaded",
				slog.String("range", w.days.String()), slog.Int64("bytes", resp.bytes()), slog.Duration("took", time.Since(began)))
		}
		return err
	})
	if err != nil {
		return storage.Receipt{}, err
	}
	return f.loadWindow(ctx, w, resp, g)
}

// loadWindow loads a downloaded window.
func (f *fetch) loadWindow(ctx context.Context, w window, resp *response, g *gate) (receipt storage.Receipt, err error) {
	defer func() { f.release(w, resp, err) }()
	f.tell(w, WindowLoading, 0, nil)
	err = g.load(ctx, func() (err error) {
		receipt, err = f.load(ctx, w, resp)
		return err
	})
	return receipt, err
}

// release deletes a response, unless the database was locked and the next attempt can use it.
func (f *fetch) release(w window, resp *response, err error) {
	if !errors.Is(err, storage.ErrLocked) || !f.req.Kept.keepWindow(w, resp) {
		resp.remove()
	}
}

// load commits a response.
func (f *fetch) load(ctx context.Context, w window, resp *response) (receipt storage.Receipt, err error) {
	began := time.Now()
	parts, done, err := resp.open()
	if err != nil {
		return receipt, err
	}
	defer done()
	p := f.cfg.Project
	var stored []storage.Coverage
	err = f.withEngine(ctx, func(e *storage.Engine) error {
		plan, err := e.Prepare(ctx, f.table) // again, because the file may be new or replaced since the fetch started
		if err != nil {
			return err
		}
		receipt, err = e.Load(ctx, storage.Window{
			Table: plan.Table, Days: w.days, Parts: parts, Inspect: inspect, Zone: p.zone(),
			AllowEmpty: w.empty, Add: f.req.Mode == Append, Force: f.req.Force, LookbackFrom: p.Today(f.cfg.Now()) - day.Day(f.cfg.LookbackDays),
			Job: f.req.Job, Fence: f.req.Fence, FetchedAt: resp.fetchedAt, DayEnd: p.dayEnd, Bytes: resp.bytes(), Hash: resp.hash(),
		})
		if err == nil && plan.Table == f.req.Table {
			stored = f.stored(ctx, e)
		}
		return err
	})
	if err == nil {
		took := time.Since(began)
		f.log.LogAttrs(ctx, slog.LevelDebug, "window loaded", slog.String("range", w.days.String()),
			slog.Int64("rows", receipt.Rows), slog.Duration("took", took))
		if f.cfg.Observer != nil {
			f.cfg.Observer.WindowLoaded(f.cfg.Project.ID, receipt.Rows, resp.bytes(), took)
		}
		if stored != nil {
			f.req.OnStored(stored)
		}
	}
	return receipt, err
}

// inspect returns the error that a text in the response means where an event should be.
func inspect(text []byte) error {
	if err := mixpanel.Report(text); err != nil {
		return err
	}
	return nil
}
