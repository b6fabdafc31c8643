// Package edit runs edit jobs: changes of a database that need no request to Mixpanel. It connects the contract of the
// queue to package storage.
package edit

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/storage"
	"mixduck/workspace"
)

// Locator returns how to open a database. Its errors are permanent.
type Locator func(database string) (storage.Config, error)

// lanes knows who waits; [queue.Queue] is one.
type lanes interface {
	OthersWait(ctx context.Context, database string) (bool, error)
}

// Handler runs edit jobs. It is a [jobs.Handler].
type Handler struct {
	locate Locator
	lanes  lanes
}

// New returns a handler.
func New(locate Locator, l lanes) *Handler { return &Handler{locate: locate, lanes: l} }

// Run does what the job asks for, completely or not at all; columns are filled piece by piece. It does not create a
// missing file.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	cfg, err := h.locate(a.Record.Database)
	if err != nil {
		return jobs.Permanent(err)
	}
	if _, err := os.Stat(cfg.Path); errors.Is(err, fs.ErrNotExist) {
		return jobs.Permanent(&storage.NotFoundError{Path: cfg.Path})
	}
	switch a.Record.Edit.Action {
	case jobs.ActionBackup:
		err = h.backup(ctx, cfg, a.Record)
	case jobs.ActionCompact:
		err = compact(ctx, cfg, a)
	case jobs.ActionRefill:
		err = refill(ctx, cfg, a)
	case jobs.ActionPromote:
		err = h.promote(ctx, cfg, a)
	case jobs.ActionModel:
		err = model(ctx, cfg, a)
	case jobs.ActionDrop, jobs.ActionDropAll:
		err = change(ctx, cfg, a.Record.Edit, a.Fence)
	}
	if fault.CodeOf(err) == fault.CodeNotFound || workspace.Permanent(err) {
		return jobs.Permanent(err)
	}
	return err
}

// backup copies the database into a volume of this worker.
func (h *Handler) backup(ctx context.Context, cfg storage.Config, r jobs.Record) error {
	to, err := h.locate(r.Edit.To)
	if err != nil {
		return jobs.Permanent(err)
	}
	return storage.Backup(ctx, cfg, to.Path, r.ID)
}

func compact(ctx context.Context, cfg storage.Config, a *jobs.Attempt) error {
	before, after, err := storage.Compact(ctx, cfg, a.Fence)
	if err == nil {
		a.Report(jobs.Progress{FileBefore: before, FileAfter: after})
	}
	return err
}

func refill(ctx context.Context, cfg storage.Config, a *jobs.Attempt) error {
	columns, err := storage.ParseColumns(a.Record.Edit.Promote)
	if err != nil {
		return err
	}
	return storage.Refill(ctx, cfg, a.Record.Edit.Table, columns, a.Fence, reporter(a))
}

// reporter returns a function that reports the progress of filling columns, after that of earlier attempts.
func reporter(a *jobs.Attempt) func(storage.FillProgress) {
	before := a.Progress().RowsChanged
	return func(p storage.FillProgress) {
		a.Report(jobs.Progress{WindowsDone: p.Done, WindowsTotal: p.Total, RowsChanged: before + p.Changed})
	}
}

func (h *Handler) promote(ctx context.Context, cfg storage.Config, a *jobs.Attempt) error {
	properties, err := storage.ParsePromotions(a.Record.Edit.Promote)
	if err != nil {
		return err
	}
	report := reporter(a)
	return storage.Promote(ctx, cfg, a.Record.Edit.Table, properties, a.Fence, func(p storage.FillProgress) error {
		if report(p); p.Done == p.Total {
			return nil
		}
		return h.giveWay(ctx, a)
	})
}

// errOthersFirst is the note of a job that lets others go first.
var errOthersFirst = errors.New("other jobs of the database go first; this job continues after the next one")

// giveWay ends an attempt between two pieces of its work if the worker is told to stop, or if other jobs wait in the
// lane. The next attempt continues.
func (h *Handler) giveWay(ctx context.Context, a *jobs.Attempt) error {
	select {
	case <-a.Draining():
		return jobs.ErrShutdown
	default:
	}
	wait, err := h.lanes.OthersWait(ctx, a.Record.Database)
	if err != nil || !wait {
		return err
	}
	return jobs.PauseUntil(time.Now(), errOthersFirst)
}

func model(ctx context.Context, cfg storage.Config, a *jobs.Attempt) error {
	r, err := storage.Model(ctx, cfg, a.Record.Edit.Force, a.Fence)
	if err == nil {
		a.Report(jobs.Progress{Views: r.Views, ColumnsAdded: r.Added, Warnings: strings.Join(r.Warnings(a.Record.Edit.Force), "\n")})
	}
	return err
}

func change(ctx context.Context, cfg storage.Config, e jobs.Edit, fence int64) error {
	engine, err := storage.Open(ctx, cfg)
	if err != nil {
		return err
	}
	switch e.Action {
	case jobs.ActionDrop:
		err = engine.Drop(ctx, e.Table, fence)
	case jobs.ActionDropAll:
		_, err = engine.DropAll(ctx, fence)
	case jobs.ActionBackup, jobs.ActionCompact, jobs.ActionPromote, jobs.ActionRefill, jobs.ActionModel: // open the file themselves
	}
	return errors.Join(err, engine.Close())
}
