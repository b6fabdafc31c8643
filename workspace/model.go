package workspace

import (
	"context"

	"mixduck/storage"
)

// UpdateModel creates and extends the typed views of the database if [Config.Model] is set, and returns warnings for
// people. Without a database it does nothing. For fence see [storage.Engine.Load].
func (w *Workspace) UpdateModel(ctx context.Context, fence int64) (warnings []string, err error) {
	if !w.cfg.Model || !w.databaseExists() {
		return nil, nil
	}
	var r storage.ModelResult
	err = w.withEngine(ctx, func(e *storage.Engine) error {
		r, err = e.Model(ctx, false, fence)
		return err
	})
	return r.Warnings(false), err
}
