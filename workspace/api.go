package workspace

import (
	"context"

	"mixduck/mixpanel"
)

// The methods below send requests to Mixpanel and do not use the database.

// Events returns the names of the project's events in the last 31 days, most frequent first.
func (w *Workspace) Events(ctx context.Context) ([]string, error) {
	return w.source.EventNames(ctx, w.cfg.Project.ID, 0)
}

// Segmentation counts an event over time, optionally by the values of a property. It ignores r.Project and uses the
// workspace's project.
func (w *Workspace) Segmentation(ctx context.Context, r mixpanel.SegmentationRequest) (mixpanel.Segmentation, error) {
	r.Project = w.cfg.Project.ID
	return w.source.Segmentation(ctx, r)
}

// Funnels returns the saved funnels of the project.
func (w *Workspace) Funnels(ctx context.Context) ([]mixpanel.SavedFunnel, error) {
	return w.source.FunnelList(ctx, w.cfg.Project.ID)
}

// Funnel returns how many users completed each step of a saved funnel. It ignores r.Project and uses the workspace's
// project.
func (w *Workspace) Funnel(ctx context.Context, r mixpanel.FunnelRequest) ([]mixpanel.FunnelPeriod, error) {
	r.Project = w.cfg.Project.ID
	return w.source.Funnel(ctx, r)
}
