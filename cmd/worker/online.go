package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"

	"mixduck/cmd/internal/check"
	"mixduck/cmd/internal/check/local"
	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/embedredis"
	"mixduck/jobs/budget"
	"mixduck/jobs/handler/fetch"
)

// online checks what the settings refer to: Redis, the directories, and access to each project at Mixpanel with its
// database.
func (d *daemon) online(ctx context.Context, app *console.App, format string) error {
	all, err := d.onlineQueue(ctx, app)
	if err != nil {
		return err
	}
	all = append(all, local.Directory("data directory", d.cfg.DataDir))
	for _, v := range d.cfg.Volumes {
		if v.Dir != d.cfg.DataDir {
			all = append(all, local.Directory("volume "+v.Name, v.Dir))
		}
	}
	return check.Print(app, format, append(all, local.Directory("spool", d.cfg.SpoolDir()), local.Directory("temporary directory", os.TempDir())))
}

// onlineQueue checks the projects and the queue. Requests to Mixpanel count in the queue's budget. If the queue is
// unreachable they are not counted, because no worker sends any then.
func (d *daemon) onlineQueue(ctx context.Context, app *console.App) (all []check.Result, err error) {
	var asked error // from the checks of projects
	reached := false
	unreachable := connect.WithRedis(ctx, d.cfg, func(rdb *redis.Client) error {
		reached = true
		counted, err := d.counted(rdb)
		if err != nil {
			return err
		}
		if all, asked = d.onlineProjects(ctx, app, counted); asked == nil && !d.cfg.Redis.URL.IsZero() {
			all = append(all, check.Redis(ctx, rdb))
		}
		return nil
	})
	switch {
	case reached:
		return all, errors.Join(asked, unreachable)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	if all, err = d.onlineProjects(ctx, app, nil); err != nil {
		return nil, err
	}
	switch {
	case !d.cfg.Redis.URL.IsZero():
		all = append(all, check.Fail("redis", unreachable))
	case errors.Is(unreachable, embedredis.ErrNoWorker):
		all = append(all, check.Good("queue", "embedded in the worker, which is not running"))
	default:
		all = append(all, check.Fail("queue", unreachable))
	}
	return all, nil
}

// counted returns the budget that all workers of the queue share, or nil if requests are not counted.
func (d *daemon) counted(rdb *redis.Client) (local.Budget, error) {
	if d.cfg.Mixpanel.RequestsPerHour == 0 {
		return nil, nil
	}
	shared, err := budget.New(rdb, budget.Export.Limits(d.cfg.Mixpanel.RequestsPerHour))
	if err != nil {
		return nil, err
	}
	return fetch.NewBudget(shared, budget.Export, "validate-"+rand.Text(), d.log), nil
}

func (d *daemon) onlineProjects(ctx context.Context, app *console.App, counted local.Budget) (all []check.Result, err error) {
	projects := d.cfg.Projects
	if !d.cfg.Named() {
		if d.cfg.Fallback.ID == 0 {
			return []check.Result{check.Skip("credentials", "set MP_PROJECT_ID", "no project is configured")}, nil
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
		found, err := local.Mixpanel(ctx, p, m, counted, label, app.Now)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
		all = append(all, d.onlineDatabase(ctx, "database"+label, p.Database))
	}
	return all, nil
}

// onlineDatabase checks a database if this worker serves its volume.
func (d *daemon) onlineDatabase(ctx context.Context, name, database string) check.Result {
	volume, _, _ := strings.Cut(database, "/")
	if d.cfg.VolumeDir(volume) == "" {
		return check.Skip(name, "add it to --volumes, or run this where another worker has it", "%s is on volume %s, which this worker does not have", database, volume)
	}
	_, path, err := d.locate(database)
	if err != nil {
		return check.Fail(name, err)
	}
	return local.Database(ctx, name, path)
}
