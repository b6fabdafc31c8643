package connect

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"mixduck/config"
	"mixduck/internal/volume"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// Database returns the full name of a database from user input. The first element is a volume if a worker has ever
// served a volume of that name.
func Database(ctx context.Context, q *queue.Queue, cfg config.Config, typed string) (string, error) {
	known, err := q.KnownVolumes(ctx)
	if err != nil {
		return "", err
	}
	return FindDatabase(cfg, typed, known)
}

// FindDatabase does this without the queue, using the known volumes and those of the settings: names that it rejects
// are invalid anywhere. If the volume's directory is on this machine, it also follows links.
func FindDatabase(cfg config.Config, typed string, known []string) (string, error) {
	volumes := append([]string{jobs.DefaultVolume}, known...)
	for _, v := range cfg.Volumes {
		volumes = append(volumes, v.Name)
	}
	name, err := jobs.ParseDatabase(typed, volumes)
	if err != nil {
		return "", err
	}
	where, rel, _ := strings.Cut(name, "/")
	dir := cfg.VolumeDir(where)
	if dir == "" {
		return name, nil
	}
	if _, err := os.Stat(dir); err != nil {
		return name, nil //nolint:nilerr // another machine's; its worker will look
	}
	_, err = volume.Path(dir, filepath.FromSlash(rel))
	return name, err
}
