// Package edit runs edit jobs: changes of a database that ask nothing of Mixpanel. It joins the contract of the queue to
// package storage.
package edit

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/storage"
)

// Locator returns how to open a database. Errors are permanent.
type Locator func(database string) (storage.Config, error)

// Handler runs edit jobs. It is a [jobs.Handler].
type Handler struct{ locate Locator }

// New returns a handler.
func New(locate Locator) *Handler { return &Handler{locate: locate} }

// Run changes the database in one transaction. A file that is not there is not made.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	cfg, err := h.locate(a.Record.Database)
	if err != nil {
		return jobs.Permanent(err)
	}
	if _, err := os.Stat(cfg.Path); errors.Is(err, fs.ErrNotExist) {
		return jobs.Permanent(&storage.NotFoundError{Path: cfg.Path})
	}
	err = change(ctx, cfg, a.Record.Edit, a.Fence)
	switch fault.CodeOf(err) {
	case fault.CodeNotFound, fault.CodeUsage, fault.CodeExists:
		return jobs.Permanent(err)
	default:
		return err
	}
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
	case jobs.ActionPromote:
		err = promote(ctx, engine, e, fence)
	}
	return errors.Join(err, engine.Close())
}

func promote(ctx context.Context, engine *storage.Engine, e jobs.Edit, fence int64) error {
	properties, err := storage.ParsePromotions(e.Promote)
	if err != nil {
		return err
	}
	return engine.Promote(ctx, e.Table, properties, fence)
}
