package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mixduck/internal/fault"
)

// Volume is a directory of databases that a worker serves.
type Volume struct {
	Name string

	// ID tells the directory from others, on whatever machine it is mounted: no two that differ are served under one
	// name at a time, or a database's rows would be scattered over two files. Directories without an id are not compared.
	ID string
}

// volumesKey is the SET of the names of all volumes that a worker has ever served.
const volumesKey = "mixduck:volumes"

// Volumes returns the names of the volumes that at least one of workers serves.
func Volumes(workers []WorkerInfo) []string {
	served := make(map[string]bool)
	for _, i := range workers {
		for _, v := range i.Volumes {
			served[v.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(served))
}

// KnownVolumes returns the names of all volumes that a worker has ever served, whether one does now or not, and that of
// the default volume.
func (q *Queue) KnownVolumes(ctx context.Context) ([]string, error) {
	names, err := q.rdb.SMembers(ctx, volumesKey).Result()
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	if !slices.Contains(names, DefaultVolume) {
		names = append(names, DefaultVolume)
	}
	slices.Sort(names)
	return names, nil
}

// checkRivals returns an error with [fault.CodeUsage] if a worker that lives serves other directories under the names of
// those of me.
func (q *Queue) checkRivals(ctx context.Context, me WorkerInfo) error {
	workers, err := q.Workers(ctx)
	if err != nil {
		return err
	}
	for _, other := range workers {
		for _, v := range me.Volumes {
			same := func(o Volume) bool { return o.Name == v.Name && o.ID != v.ID && o.ID != "" && v.ID != "" }
			if other.ID != me.ID && slices.ContainsFunc(other.Volumes, same) {
				return fault.Usage("give this directory a name of its own with --volumes; a worker that has died counts for another 15 s",
					"worker %s on %s serves another directory as volume %s", other.ID, other.Host, v.Name)
			}
		}
	}
	return nil
}

// encodeVolumes returns the form in which a heartbeat names volumes: name=id,name=id.
func encodeVolumes(volumes []Volume) string {
	parts := make([]string, len(volumes))
	for i, v := range volumes {
		parts[i] = v.Name + "=" + v.ID
	}
	return strings.Join(parts, ",")
}

func decodeVolumes(s string) []Volume {
	var volumes []Volume
	for part := range strings.SplitSeq(s, ",") {
		name, id, _ := strings.Cut(part, "=")
		volumes = append(volumes, Volume{Name: name, ID: id})
	}
	return volumes
}
