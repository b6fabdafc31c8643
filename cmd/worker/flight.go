package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mixduck/config"
	"mixduck/internal/buildinfo"
	"mixduck/internal/volume"
	queryjobs "mixduck/jobs/handler/query"
	"mixduck/jobs/queue"
	"mixduck/serve/flight"
	"mixduck/storage/query"
)

// flightConfig returns the settings of the Arrow Flight SQL server. Its queries have the limits of query jobs.
func flightConfig(cfg config.Config) flight.Config {
	return flight.Config{
		Listen: cfg.Flight.Listen, Token: cfg.Flight.Token, CertFile: cfg.Flight.CertFile, KeyFile: cfg.Flight.KeyFile,
		Concurrency: cfg.Query.Concurrency, MemoryLimit: cfg.Query.MemoryLimit, MaxResult: cfg.Query.MaxResult,
		Timeout: cfg.Query.Timeout, LockWait: cfg.Worker.LockWait, Version: buildinfo.Version(),
	}
}

// serveFlight starts the Arrow Flight SQL server of the worker with this id. It returns nil if there is none.
func (d *daemon) serveFlight(ctx context.Context, id string, q *queue.Queue) (*flight.Server, error) {
	cfg := flightConfig(d.cfg)
	cfg.Dir = filepath.Join(d.cfg.DataDir, ".mixduck", "flight", id)
	if err := os.RemoveAll(cfg.Dir); err != nil || cfg.Listen == "" { // left by a run that was killed
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if cfg.Launcher, err = launcher(); err != nil {
		return nil, err
	}
	cfg.NoteReads = func(ctx context.Context, path string, reads []query.Read) { d.noteReads(ctx, q, path, reads) }
	d.page.WatchFlight()
	server, err := flight.Serve(ctx, cfg, d.databases, d.page, d.log)
	if err == nil {
		context.AfterFunc(ctx, server.Drain)
	}
	return server, err
}

// noteReads notes which properties a query of a file has read.
func (d *daemon) noteReads(ctx context.Context, q *queue.Queue, path string, reads []query.Read) {
	v, rel, ok := config.VolumeOf(d.cfg.Volumes, path)
	if !ok {
		return
	}
	if err := q.NoteReads(ctx, v.Name+"/"+filepath.ToSlash(rel), queryjobs.PropertyReads(reads)); err != nil { // only for estimates
		d.log.LogAttrs(ctx, slog.LevelDebug, "reads not counted", slog.Any("err", err))
	}
}

// databases lists the databases in the volumes of this worker.
func (d *daemon) databases(context.Context) (all []flight.Database, err error) {
	for _, v := range d.cfg.Volumes {
		files, err := volume.Databases(v.Dir)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			name := v.Name + "/" + filepath.ToSlash(f.Rel)
			found := flight.Database{Name: name, Path: filepath.Join(v.Dir, f.Rel)}
			if i := slices.IndexFunc(d.cfg.Projects, func(p config.Project) bool { return p.Database == name }); i >= 0 {
				found.Project = d.cfg.Projects[i].Name
			}
			all = append(all, found)
		}
	}
	slices.SortFunc(all, func(a, b flight.Database) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
