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

// ReportLake stores the state of a table of the lake.
func (q *Queue) ReportLake(ctx context.Context, t jobs.LakeTable) error {
	doc, err := json.Marshal(t)
	if err == nil {
		err = q.e.Redis.HSet(ctx, lanes.LakeKey, t.Database+"#"+t.Table, doc).Err()
	}
	if err != nil {
		return fmt.Errorf("write the state of the lake table for %s: %w", t.Table, err)
	}
	return nil
}

// LakeTables returns the states of all tables of the lake that the queue knows, by database and table.
func (q *Queue) LakeTables(ctx context.Context) ([]jobs.LakeTable, error) {
	docs, err := q.e.Redis.HGetAll(ctx, lanes.LakeKey).Result()
	if err != nil {
		return nil, fmt.Errorf("read the tables of the lake: %w", err)
	}
	all := make([]jobs.LakeTable, 0, len(docs))
	for key, doc := range docs {
		var t jobs.LakeTable
		if err := json.Unmarshal([]byte(doc), &t); err != nil {
			return nil, fmt.Errorf("lake table for %s: %w", key, err)
		}
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b jobs.LakeTable) int {
		return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(a.Table, b.Table))
	})
	return all, nil
}
