package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// WorkerInfo describes a worker that lives.
type WorkerInfo struct {
	ID      string
	Host    string
	PID     int
	Version string
	Volumes []Volume // that it serves
	Started time.Time

	boot string
}

const (
	beatEvery = 3 * time.Second
	beatLasts = 15 * time.Second
)

// beat says that the worker lives, for [beatLasts].
func (q *Queue) beat(ctx context.Context, i WorkerInfo) error {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	err := q.scripts.beat.Run(ctx, q.rdb, []string{workerKey(i.ID)}, beatLasts.Milliseconds(),
		"boot", i.boot, "host", i.Host, "pid", i.PID, "version", i.Version,
		"volumes", encodeVolumes(i.Volumes), "started", millis(i.Started)).Err()
	if err == nil {
		err = q.rdb.SAdd(ctx, workersKey, i.ID).Err()
	}
	if err == nil {
		err = q.rdb.SAdd(ctx, volumesKey, Volumes([]WorkerInfo{i})).Err()
	}
	if err != nil {
		return fmt.Errorf("heartbeat of worker %s: %w", i.ID, err)
	}
	return nil
}

// depart takes the heartbeat of a worker away.
func (q *Queue) depart(ctx context.Context, id string) error {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	err := q.rdb.SRem(ctx, workersKey, id).Err()
	if err == nil {
		err = q.rdb.Del(ctx, workerKey(id)).Err()
	}
	if err != nil {
		return fmt.Errorf("heartbeat of worker %s: %w", id, err)
	}
	return nil
}

// Workers returns the workers that live, by id. A worker that died counts as alive for another 15 s.
func (q *Queue) Workers(ctx context.Context) ([]WorkerInfo, error) {
	ids, err := q.rdb.SMembers(ctx, workersKey).Result()
	if err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	pipe := q.rdb.Pipeline()
	beats := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		beats[i] = pipe.HGetAll(ctx, workerKey(id))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	var found []WorkerInfo
	for i, id := range ids {
		h := beats[i].Val()
		if len(h) == 0 {
			// Should it live after all, its next heartbeat brings it back.
			if err := q.rdb.SRem(ctx, workersKey, id).Err(); err != nil {
				return nil, fmt.Errorf("list workers: %w", err)
			}
			continue
		}
		p := parser{fields: h}
		w := WorkerInfo{
			ID: id, Host: h["host"], PID: int(p.int("pid")), Version: h["version"],
			Volumes: decodeVolumes(h["volumes"]), Started: p.time("started"), boot: h["boot"],
		}
		if p.err != nil {
			return nil, fmt.Errorf("heartbeat of worker %s: %w", id, p.err)
		}
		found = append(found, w)
	}
	return found, nil
}
