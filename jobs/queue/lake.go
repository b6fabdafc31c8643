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

// ReportLake stores the state of a table of the lake.
func (q *Queue) ReportLake(ctx context.Context, t jobs.LakeTable) error {
	if err := putDocument(ctx, q.e.Redis, lanes.LakeKey, t.Database+"#"+t.Table, t); err != nil {
		return fmt.Errorf("write the state of the lake table for %s: %w", t.Table, err)
	}
	return nil
}

// LakeTables returns the states of all tables of the lake that the queue knows, by database and table.
func (q *Queue) LakeTables(ctx context.Context) ([]jobs.LakeTable, error) {
	known, err := documents[jobs.LakeTable](ctx, q.e.Redis, lanes.LakeKey)
	if err != nil {
		return nil, fmt.Errorf("read the tables of the lake: %w", err)
	}
	return slices.SortedFunc(maps.Values(known), func(a, b jobs.LakeTable) int {
		return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(a.Table, b.Table))
	}), nil
}
