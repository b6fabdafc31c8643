package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"

	"mixduck/cmd/internal/check"
	"mixduck/cmd/internal/check/local"
	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
)

// online checks what the settings name: Redis, the directories, and each project at Mixpanel with its database.
func (d *daemon) online(ctx context.Context, app *console.App, format string) error {
	all, err := d.onlineProjects(ctx, app)
	if err != nil {
		return err
	}
	if !d.cfg.Redis.URL.IsZero() {
		err := connect.WithRedis(ctx, d.cfg, func(rdb *redis.Client) error {
			all = append(all, check.Redis(ctx, rdb))
			return nil
		})
		if err != nil {
			all = append(all, check.Fail("redis", err))
		}
	}
	all = append(all, local.Directory("data directory", d.cfg.DataDir))
	for _, v := range d.cfg.Volumes {
		if v.Dir != d.cfg.DataDir {
			all = append(all, local.Directory("volume "+v.Name, v.Dir))
		}
	}
	return check.Print(app, format, append(all, local.Directory("spool", d.cfg.SpoolDir()), local.Directory("temporary directory", os.TempDir())))
}

func (d *daemon) onlineProjects(ctx context.Context, app *console.App) (all []check.Result, err error) {
	projects := d.cfg.Projects
	if !d.cfg.Named() {
		if d.cfg.Fallback.ID == 0 {
			return []check.Result{check.Skip("credentials", "set MP_PROJECT_ID", "no project is configured to try them with")}, nil
		}
		projects = []config.Project{d.cfg.Unlisted(d.cfg.Fallback.ID)}
	}
	for _, p := range projects {
		label := ""
		if len(projects) > 1 {
			label = " (" + p.Name + ")"
		}
		_, m, err := d.projects.find(p.Name)
		if err != nil {
			return nil, err
		}
		found, err := local.Mixpanel(ctx, p, m, label, app.Now)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
		volume, file, _ := strings.Cut(p.Database, "/")
		if dir := d.cfg.VolumeDir(volume); dir != "" && file != "" {
			all = append(all, local.Database(ctx, "database"+label, filepath.Join(dir, filepath.FromSlash(file))))
		}
	}
	return all, nil
}
