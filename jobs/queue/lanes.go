package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// Lanes returns the non-empty lanes of databases, sorted by database, and those of tables of the lake. It reads them one after another, so they do not
// show a single point in time.
func (q *Queue) Lanes(ctx context.Context) ([]jobs.LaneInfo, error) {
	names, err := q.e.Redis.ZRange(ctx, lanes.LanesKey, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("list lanes: %w", err)
	}
	workers, err := q.e.Workers(ctx)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(lane string) bool { return strings.HasPrefix(lane, jobs.ReadLane) })
	slices.Sort(names)
	var found []jobs.LaneInfo
	for page := range slices.Chunk(names, listPage) {
		infos, err := q.e.Lanes.Describe(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, i := range infos {
			if i.Holder == "" && i.Waiting == 0 && i.Aside == 0 {
				continue // empty, but not swept yet
			}
			var kind jobs.Kind
			kind, i.Database, i.Table = jobs.ParseLane(i.Database)
			i.Unserved = !jobs.Serves(workers, i.Database, kind)
			found = append(found, i)
		}
	}
	return found, nil
}

// OthersWait reports whether jobs wait for the turn that another job of the database has.
func (q *Queue) OthersWait(ctx context.Context, database string) (bool, error) {
	infos, err := q.e.Lanes.Describe(ctx, []string{database})
	if err != nil {
		return false, err
	}
	i := infos[0]
	return i.Waiting > 0 || i.Aside > 0 && !i.NextAt.After(time.Now()), nil
}

// KnownVolumes returns the names of all volumes that a worker has ever served, and that of the default volume.
func (q *Queue) KnownVolumes(ctx context.Context) ([]string, error) {
	names, err := q.e.Redis.SMembers(ctx, lanes.VolumesKey).Result()
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	if !slices.Contains(names, jobs.DefaultVolume) {
		names = append(names, jobs.DefaultVolume)
	}
	slices.Sort(names)
	return names, nil
}
