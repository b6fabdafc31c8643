package workspace

import (
	"context"

	"mixduck/storage"
)

// Promote adds columns for properties of a table; see [storage.Promote], also for fence. It returns
// [storage.ErrNotFound] if there is no database.
func (w *Workspace) Promote(ctx context.Context, table string, properties []storage.Promotion, fence int64) error {
	if !w.databaseExists() {
		return &storage.NotFoundError{Path: w.cfg.Database.Path}
	}
	err := w.withEngine(ctx, func(e *storage.Engine) error { return e.BeginPromotion(ctx, table, properties, fence) })
	if err != nil {
		return err
	}
	return w.fill(ctx, table, fence)
}

// fill fills the columns of a table piece by piece. Between pieces, others can use the file.
func (w *Workspace) fill(ctx context.Context, table string, fence int64) error {
	for left := 1; left > 0; {
		err := w.withEngine(ctx, func(e *storage.Engine) (err error) {
			_, left, err = e.FillNext(ctx, table, fence)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
