package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// ReportSnapshot stores the state of a database's snapshot.
func (q *Queue) ReportSnapshot(ctx context.Context, s jobs.Snapshot) error {
	doc, err := json.Marshal(s)
	if err == nil {
		err = q.e.Redis.HSet(ctx, lanes.SnapshotsKey, s.Database, doc).Err()
	}
	if err != nil {
		return fmt.Errorf("write the snapshot of %s: %w", s.Database, err)
	}
	return nil
}

// ForgetSnapshot deletes the state of a database's snapshot.
func (q *Queue) ForgetSnapshot(ctx context.Context, database string) error {
	if err := q.e.Redis.HDel(ctx, lanes.SnapshotsKey, database).Err(); err != nil {
		return fmt.Errorf("forget the snapshot of %s: %w", database, err)
	}
	return nil
}

// Snapshots returns the states of all snapshots, by database.
func (q *Queue) Snapshots(ctx context.Context) ([]jobs.Snapshot, error) {
	docs, err := q.e.Redis.HGetAll(ctx, lanes.SnapshotsKey).Result()
	if err != nil {
		return nil, fmt.Errorf("read the snapshots: %w", err)
	}
	all := make([]jobs.Snapshot, 0, len(docs))
	for database, doc := range docs {
		var s jobs.Snapshot
		if err := json.Unmarshal([]byte(doc), &s); err != nil {
			return nil, fmt.Errorf("snapshot of %s: %w", database, err)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b jobs.Snapshot) int { return cmp.Compare(a.Database, b.Database) })
	return all, nil
}
