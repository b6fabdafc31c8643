package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"mixduck/cmd/internal/claim"
	"mixduck/cmd/internal/connect"
	"mixduck/config"
	"mixduck/internal/buildinfo"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/handler/publish"
	"mixduck/jobs/worker"
	"mixduck/lake"
	"mixduck/storage"
)

// serve runs jobs that publish until ctx is done.
func serve(ctx context.Context, cfg config.Config, log *slog.Logger) (err error) {
	if !cfg.Lake.Set() {
		return fault.Usage("set lake.catalog and lake.warehouse, for example sqlite:/data/lake/catalog.db and file:///data/lake/warehouse",
			"the settings name no lake")
	}
	own, err := claim.Take(cfg.DataDir, claim.Lake, false)
	if err != nil {
		return err
	}
	defer own.Leave()
	volumes, err := claim.Identify(cfg.Volumes)
	if err != nil {
		return err
	}
	tables, err := lake.Open(ctx, lake.Config{
		CatalogFile: cfg.Lake.CatalogFile(), Warehouse: cfg.Lake.Warehouse, Retention: cfg.Lake.Retention, SpoolDir: filepath.Join(cfg.LakeSpoolDir(), own.ID),
		Namespace: func(project string) string { return namespace(cfg, project) },
	}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tables.Close()) }()
	return connect.WithRedis(ctx, cfg, func(rdb *redis.Client) error {
		q, err := connect.New(rdb, cfg)
		if err != nil {
			return err
		}
		locate := func(database string) (storage.Config, error) { return locate(cfg, database) }
		w, err := worker.New(q, map[jobs.Kind]jobs.Handler{jobs.KindPublish: publish.New(tables, locate, q, log)}, worker.Config{
			ID: own.ID, Volumes: volumes, Concurrency: 1, // DuckDB uses all cores and much memory for one table
			DrainTimeout: cfg.Worker.DrainTimeout, Backoff: worker.Backoff{Base: cfg.Worker.RetryBackoff}, Version: buildinfo.Version(),
		}, log)
		if err != nil {
			return err
		}
		return w.Run(ctx)
	})
}

// namespace returns the namespace of a project's tables. Not all engines allow hyphens, or digits at the start.
func namespace(cfg config.Config, project string) string {
	if cfg.Named() {
		for _, p := range cfg.Projects {
			if strconv.FormatInt(p.ID, 10) == project {
				return strings.ReplaceAll(p.Name, "-", "_")
			}
		}
	}
	return "project_" + project
}

// locate returns how to open a database for reading.
func locate(cfg config.Config, database string) (storage.Config, error) {
	_, path, err := connect.Locate(cfg, "lake run", database)
	return storage.Config{Path: path, ReadOnly: true, LockWait: cfg.Worker.LockWait, MemoryLimit: cfg.Worker.MemoryLimit}, err
}
