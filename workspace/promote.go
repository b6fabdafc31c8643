package workspace

import (
	"context"

	"mixduck/storage"
)

// Promote adds columns for properties of a table; see [storage.Engine.Promote], also for fence. It returns
// [storage.ErrNotFound] if there is no database.
func (w *Workspace) Promote(ctx context.Context, table string, properties []storage.Promotion, fence int64) error {
	if !w.databaseExists() {
		return &storage.NotFoundError{Path: w.cfg.Database.Path}
	}
	return w.withEngine(ctx, func(e *storage.Engine) error { return e.Promote(ctx, table, properties, fence) })
}
