package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// catalogueLasts is how long the catalogue of a dead worker remains valid.
const catalogueLasts = 7 * 24 * time.Hour

// catalogue is what one worker knows about projects.
type catalogue struct {
	At       time.Time          `json:"at"`
	Projects []jobs.ProjectInfo `json:"projects"`
}

// PublishProjects publishes the projects that a worker knows and replaces its earlier ones.
func (q *Queue) PublishProjects(ctx context.Context, worker string, projects []jobs.ProjectInfo) error {
	ctx, stop := context.WithTimeout(ctx, lanes.CallTimeout)
	defer stop()
	if err := putDocument(ctx, q.e.Redis, lanes.CatalogueKey, worker, catalogue{q.e.Now().UTC(), projects}); err != nil {
		return fmt.Errorf("publish the projects of worker %s: %w", worker, err)
	}
	return nil
}

// TidyProjects deletes the catalogues of workers that died long ago. As with [schedule.Store.Tidy], Redis must have
// been reachable from me for a while.
func (q *Queue) TidyProjects(ctx context.Context, me string) error {
	if err := q.tidyProjects(ctx, me); err != nil {
		return fmt.Errorf("tidy the projects of workers: %w", err)
	}
	return nil
}

func (q *Queue) tidyProjects(ctx context.Context, me string) error {
	said, err := q.catalogues(ctx)
	if err != nil {
		return err
	}
	living, err := q.e.Workers(ctx)
	if err != nil {
		return err
	}
	for worker, c := range said {
		lives := worker == me || slices.ContainsFunc(living, func(i jobs.WorkerInfo) bool { return i.ID == worker })
		if !lives && q.e.Now().Sub(c.At) > catalogueLasts {
			if err := q.e.Redis.HDel(ctx, lanes.CatalogueKey, worker).Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Projects returns the projects that workers know or recently knew, sorted by name. If several workers know a project,
// the newest entry counts.
func (q *Queue) Projects(ctx context.Context) ([]jobs.ProjectInfo, error) {
	said, err := q.catalogues(ctx)
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	newest := map[int64]time.Time{}
	known := map[int64]jobs.ProjectInfo{}
	for _, c := range said {
		for _, p := range c.Projects {
			if at, ok := newest[p.ID]; !ok || c.At.After(at) {
				newest[p.ID], known[p.ID] = c.At, p
			}
		}
	}
	var all []jobs.ProjectInfo
	for _, p := range known {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b jobs.ProjectInfo) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

func (q *Queue) catalogues(ctx context.Context) (map[string]catalogue, error) {
	return documents[catalogue](ctx, q.e.Redis, lanes.CatalogueKey)
}
