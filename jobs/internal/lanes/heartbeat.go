package lanes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/field"
)

// Heartbeat is a live worker, and identifies its run.
type Heartbeat struct {
	jobs.WorkerInfo
	Boot string
}

// How often a worker sends a heartbeat, and how long one lasts.
const (
	BeatEvery = 3 * time.Second
	BeatLasts = 15 * time.Second
)

// Beat writes a heartbeat that lasts for [beatLasts].
func (en *Engine) Beat(ctx context.Context, i Heartbeat) error {
	ctx, stop := context.WithTimeout(ctx, CallTimeout)
	defer stop()
	disks, err := json.Marshal(i.Disks)
	if err != nil {
		return fmt.Errorf("heartbeat of worker %s: %w", i.ID, err)
	}
	err = en.Scripts.beat.Run(ctx, en.Redis, []string{workerKey(i.ID)}, BeatLasts.Milliseconds(),
		"boot", i.Boot, "host", i.Host, "pid", i.PID, "version", i.Version,
		"volumes", encodeVolumes(i.Volumes), "started", field.Millis(i.Started), "http", i.HTTP, "disks", disks, "kinds", encodeKinds(i.Kinds)).Err()
	if err == nil {
		err = en.Redis.SAdd(ctx, workersKey, i.ID).Err()
	}
	if err == nil {
		err = en.Redis.SAdd(ctx, VolumesKey, jobs.Volumes([]jobs.WorkerInfo{i.WorkerInfo}, "")).Err()
	}
	if err != nil {
		return fmt.Errorf("heartbeat of worker %s: %w", i.ID, err)
	}
	return nil
}

// Depart removes the heartbeat of a worker.
func (en *Engine) Depart(ctx context.Context, id string) error {
	ctx, stop := context.WithTimeout(ctx, CallTimeout)
	defer stop()
	err := en.Redis.SRem(ctx, workersKey, id).Err()
	if err == nil {
		err = en.Redis.Del(ctx, workerKey(id)).Err()
	}
	if err != nil {
		return fmt.Errorf("heartbeat of worker %s: %w", id, err)
	}
	return nil
}

// Workers returns the live workers, sorted by ID. A dead worker counts as live for up to 15 s.
func (en *Engine) Workers(ctx context.Context) ([]jobs.WorkerInfo, error) {
	beats, err := en.Heartbeats(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]jobs.WorkerInfo, len(beats))
	for i, b := range beats {
		found[i] = b.WorkerInfo
	}
	return found, nil
}

// Heartbeats returns the heartbeats of live workers, sorted by ID.
func (en *Engine) Heartbeats(ctx context.Context) ([]Heartbeat, error) {
	ids, err := en.Redis.SMembers(ctx, workersKey).Result()
	if err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	pipe := en.Redis.Pipeline()
	beats := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		beats[i] = pipe.HGetAll(ctx, workerKey(id))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	var found []Heartbeat
	for i, id := range ids {
		h := beats[i].Val()
		if len(h) == 0 {
			// If the worker is alive after all, its next heartbeat adds it again.
			if err := en.Redis.SRem(ctx, workersKey, id).Err(); err != nil {
				return nil, fmt.Errorf("list workers: %w", err)
			}
			continue
		}
		p := field.Parser{Fields: h}
		w := Heartbeat{Boot: h["boot"], WorkerInfo: jobs.WorkerInfo{
			ID: id, Host: h["host"], PID: int(p.Int("pid")), Version: h["version"],
			Volumes: decodeVolumes(h["volumes"]), Started: p.Time("started"), HTTP: h["http"],
			Kinds: decodeKinds(h["kinds"]),
		}}
		p.JSON("disks", &w.Disks)
		if p.Err != nil {
			return nil, fmt.Errorf("heartbeat of worker %s: %w", id, p.Err)
		}
		found = append(found, w)
	}
	return found, nil
}

// VolumesKey is the SET of the names of all volumes that a worker has ever served.
const VolumesKey = "mixduck:volumes"

// CheckRivals returns an error with [fault.CodeUsage] if a live worker serves a different directory under the name of
// one of me's volumes.
func (en *Engine) CheckRivals(ctx context.Context, me jobs.WorkerInfo) error {
	workers, err := en.Workers(ctx)
	if err != nil {
		return err
	}
	for _, other := range workers {
		for _, v := range me.Volumes {
			same := func(o jobs.Volume) bool { return o.Name == v.Name && o.ID != v.ID && o.ID != "" && v.ID != "" }
			if other.ID != me.ID && slices.ContainsFunc(other.Volumes, same) {
				return fault.Usage("give this directory a name of its own with --volumes; a worker that has died counts for another 15 s",
					"worker %s on %s serves another directory as volume %s", other.ID, other.Host, v.Name)
			}
		}
	}
	return nil
}

// encodeVolumes returns the form of volumes in a heartbeat: name=id,name=id.
func encodeVolumes(volumes []jobs.Volume) string {
	parts := make([]string, len(volumes))
	for i, v := range volumes {
		parts[i] = v.Name + "=" + v.ID
	}
	return strings.Join(parts, ",")
}

func decodeVolumes(s string) []jobs.Volume {
	var volumes []jobs.Volume
	for part := range strings.SplitSeq(s, ",") {
		name, id, _ := strings.Cut(part, "=")
		volumes = append(volumes, jobs.Volume{Name: name, ID: id})
	}
	return volumes
}

func encodeKinds(kinds []jobs.Kind) string {
	texts := make([]string, len(kinds))
	for i, k := range kinds {
		texts[i] = string(k)
	}
	return strings.Join(texts, ",")
}

func decodeKinds(s string) (kinds []jobs.Kind) {
	for _, k := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) {
		kinds = append(kinds, jobs.Kind(k))
	}
	return kinds
}
