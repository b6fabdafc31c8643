package queue

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// ReportSnapshot stores the state of a database's snapshot.
func (q *Queue) ReportSnapshot(ctx context.Context, s jobs.Snapshot) error {
	if err := putDocument(ctx, q.e.Redis, lanes.SnapshotsKey, s.Database, s); err != nil {
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
	known, err := documents[jobs.Snapshot](ctx, q.e.Redis, lanes.SnapshotsKey)
	if err != nil {
		return nil, fmt.Errorf("read the snapshots: %w", err)
	}
	return slices.SortedFunc(maps.Values(known), func(a, b jobs.Snapshot) int { return cmp.Compare(a.Database, b.Database) }), nil
}
