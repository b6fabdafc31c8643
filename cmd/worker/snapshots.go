package main

import (
	"context"
	"path"
	"slices"
	"strings"

	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/internal/name"
	"mixduck/internal/volume"
	"mixduck/jobs/handler/snapshot"
	"mixduck/jobs/queue"
	"mixduck/storage"
	process "mixduck/storage/snapshot"
)

// snapshots returns the keeper that makes the snapshots of this worker's databases.
func (d *daemon) snapshots(q *queue.Queue) (*snapshot.Keeper, error) {
	start, err := snapshotLauncher()
	if err != nil {
		return nil, err
	}
	return snapshot.New(snapshot.Config{
		Policy: d.snapshotPolicy, Locate: d.locateSnapshot, LockWait: d.cfg.Worker.LockWait, Observer: d.page,
		Take: func(ctx context.Context, r storage.SnapshotRequest) (storage.Snapshot, bool, error) {
			return process.Run(ctx, start, r)
		},
	}, q, d.log), nil
}

// snapshotPolicy returns the settings of the database's project, otherwise those of the given one.
func (d *daemon) snapshotPolicy(database, project string) snapshot.Policy {
	p := d.cfg.Fallback
	owner := func(p config.Project) bool { return p.Database == database }
	if i := slices.IndexFunc(d.cfg.Projects, owner); i >= 0 {
		p = d.cfg.Projects[i]
	} else if found, err := config.Find(d.cfg.Projects, project); err == nil && project != "" {
		p = found
	}
	return snapshot.Policy(p.Snapshot)
}

// locateSnapshot returns where a database and its snapshot are.
func (d *daemon) locateSnapshot(database string) (snapshot.Place, error) {
	if name.IsSnapshot(database) {
		return snapshot.Place{}, fault.Usage("name the database itself", "%s is a snapshot", database)
	}
	dir, file, err := d.locate(database)
	if err != nil {
		return snapshot.Place{}, err
	}
	_, rel, _ := strings.Cut(database, "/")
	to, err := volume.Snapshot(dir, rel)
	return snapshot.Place{Database: file, Snapshot: to, Name: path.Join(name.SnapshotDir, rel)}, err
}
