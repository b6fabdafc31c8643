package lanes

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
)

// kinds returns the kinds with an index. Queries need none: they have their own scope.
func kinds() []jobs.Kind { return []jobs.Kind{jobs.KindFetch, jobs.KindEdit, jobs.KindPublish} }

// KindKey returns the index of jobs by a kind that writes.
func KindKey(k jobs.Kind) string { return string(WriteScope) + "kind:" + string(k) }

// KindsIndexed reports whether the indexes by kind contain all jobs that write. Older versions did not maintain them.
func (s Store) KindsIndexed(ctx context.Context) (bool, error) {
	pipe := s.rdb.TxPipeline()
	all := pipe.ZCard(ctx, WriteScope.All())
	sizes := make([]*redis.IntCmd, len(kinds()))
	for i, kind := range kinds() {
		sizes[i] = pipe.ZCard(ctx, KindKey(kind))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return false, fmt.Errorf("look at the indexes by kind: %w", err)
	}
	indexed := int64(0)
	for _, size := range sizes {
		indexed += size.Val()
	}
	return indexed == all.Val(), nil
}

// kindsPage is how many records [Store.IndexKinds] reads at a time.
const kindsPage = 500

// IndexKinds repairs the indexes by kind if they do not contain as many jobs as there are.
func (s Store) IndexKinds(ctx context.Context) error {
	if complete, err := s.KindsIndexed(ctx); err != nil || complete {
		return err
	}
	all, err := s.rdb.ZRange(ctx, WriteScope.All(), 0, -1).Result()
	if err != nil {
		return fmt.Errorf("index jobs by kind: %w", err)
	}
	for ids := range slices.Chunk(all, kindsPage) {
		if err := s.indexKinds(ctx, ids); err != nil {
			return fmt.Errorf("index jobs by kind: %w", err)
		}
	}
	for _, kind := range kinds() {
		indexed, err := s.rdb.ZRange(ctx, KindKey(kind), 0, -1).Result()
		if err != nil {
			return fmt.Errorf("index jobs by kind: %w", err)
		}
		for ids := range slices.Chunk(indexed, kindsPage) {
			if err := s.dropStrays(ctx, KindKey(kind), ids); err != nil {
				return fmt.Errorf("index jobs by kind: %w", err)
			}
		}
	}
	return nil
}

func (s Store) indexKinds(ctx context.Context, ids []string) error {
	read := s.rdb.Pipeline()
	records := make([]*redis.SliceCmd, len(ids))
	for i, id := range ids {
		records[i] = read.HMGet(ctx, RecordKey(id), "kind", "created")
	}
	if _, err := read.Exec(ctx); err != nil {
		return err
	}
	add := s.rdb.Pipeline()
	for i, id := range ids {
		kind, _ := records[i].Val()[0].(string)
		created, _ := records[i].Val()[1].(string)
		for _, k := range kinds() {
			if at, err := strconv.ParseFloat(created, 64); err == nil && string(k) == kind {
				add.ZAddNX(ctx, KindKey(k), redis.Z{Score: at, Member: id})
			}
		}
	}
	_, err := add.Exec(ctx)
	return err
}

// dropStrays removes those ids from an index that the index of all jobs does not contain.
func (s Store) dropStrays(ctx context.Context, index string, ids []string) error {
	known, err := Members(ctx, s.rdb, WriteScope.All(), ids)
	if err != nil {
		return err
	}
	var strays []any
	for i, id := range ids {
		if !known[i] {
			strays = append(strays, id)
		}
	}
	if len(strays) == 0 {
		return nil
	}
	return s.rdb.ZRem(ctx, index, strays...).Err()
}

// Members reports for each ID whether an index contains it.
func Members(ctx context.Context, rdb redis.Cmdable, index string, ids []string) ([]bool, error) {
	// go-redis returns 0 for missing members. No job has this score: it is the time of submission.
	scores, err := rdb.ZMScore(ctx, index, ids...).Result()
	if err != nil {
		return nil, err
	}
	has := make([]bool, len(ids))
	for i, score := range scores {
		has[i] = score != 0
	}
	return has, nil
}
