package workspace

import (
	"context"

	"mixduck/mixpanel"
)

// The methods below ask Mixpanel and touch no database.

// Events returns the names of the project's events, the most frequent of the last 31 days first.
func (w *Workspace) Events(ctx context.Context) ([]string, error) {
	return w.source.EventNames(ctx, w.cfg.Project.ID, 0)
}

// Segmentation counts an event over time, perhaps by the values of a property. The project of r is that of the workspace.
func (w *Workspace) Segmentation(ctx context.Context, r mixpanel.SegmentationRequest) (mixpanel.Segmentation, error) {
	r.Project = w.cfg.Project.ID
	return w.source.Segmentation(ctx, r)
}

// Funnels returns the funnels that people have saved in the project.
func (w *Workspace) Funnels(ctx context.Context) ([]mixpanel.SavedFunnel, error) {
	return w.source.FunnelList(ctx, w.cfg.Project.ID)
}

// Funnel returns how many have gone through each step of a saved funnel. The project of r is that of the workspace.
func (w *Workspace) Funnel(ctx context.Context, r mixpanel.FunnelRequest) ([]mixpanel.FunnelPeriod, error) {
	r.Project = w.cfg.Project.ID
	return w.source.Funnel(ctx, r)
}
