package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"strconv"

	"github.com/redis/go-redis/v9"

	"mixduck/cmd/internal/claim"
	"mixduck/config"
	"mixduck/internal/buildinfo"
	"mixduck/jobs/budget"
	"mixduck/jobs/keep"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
	"mixduck/web"
	webpage "mixduck/web/page"
	"mixduck/web/session"
)

// page is the worker's HTTP page.
type page struct {
	*web.Health
	*web.Metrics
	server *web.Server
	pages  *webpage.Page // nil for none
}

// sparePorts is how many workers on a machine, in addition to the first, find a port if none is set.
const sparePorts = 9

// webConfig returns the page settings of a worker with the ID owner of its data directory.
func webConfig(cfg config.HTTP, owner string) web.Config {
	c := web.Config{Listen: cfg.Listen, Owner: owner, Token: cfg.Token, Hosts: cfg.Hosts, Pprof: cfg.Pprof}
	if !cfg.Asked {
		c.Spare = sparePorts
	}
	return c
}

// newPage returns the page of a starting worker.
func newPage(cfg config.Config) *page {
	names := map[string]string{}
	for _, p := range cfg.Projects {
		names[strconv.FormatInt(p.ID, 10)] = p.Name
	}
	health := web.NewHealth()
	return &page{Health: health, Metrics: web.NewMetrics(buildinfo.Version(), names, health)}
}

// open serves the page.
func (p *page) open(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	p.Watch("data_dir", web.CheckWritable(filepath.Join(cfg.DataDir, ".mixduck")))
	var volumes []web.Volume
	for _, v := range cfg.Volumes {
		p.Watch("volume "+v.Name, web.CheckWritable(filepath.Join(v.Dir, ".mixduck")))
		p.Watch("space "+v.Name, web.CheckRoom(v.Dir))
		volumes = append(volumes, web.Volume(v))
	}
	p.WatchVolumes(volumes)
	owner, err := claim.DirectoryID(cfg.DataDir)
	if err == nil {
		served := webConfig(cfg.HTTP, owner)
		if mode := webpage.Mode(cfg.HTTP.Page); mode != webpage.Off {
			p.pages = webpage.New(webpage.Config{Mode: mode, Base: cfg.HTTP.Base, Token: cfg.HTTP.Token, Version: buildinfo.Version()}, log)
			served.Page = p.pages
		}
		p.server, err = web.Serve(ctx, served, p.Health, p.Metrics, log)
	}
	return err
}

// address returns the address of the page, "" for none.
func (p *page) address() string {
	if at := p.server.Addr(); at != nil {
		return at.String()
	}
	return ""
}

// watch adds the queue to the page, and the budget if it is not nil.
func (p *page) watch(rdb *redis.Client, q *queue.Queue, shared *budget.Budget, values []config.Value) {
	p.connect(rdb, q, shared, values)
	p.Watch("redis", func(ctx context.Context) error { return rdb.Ping(ctx).Err() })
	schedules := schedule.NewStore(q)
	if shared == nil {
		p.WatchQueue(q, schedules, nil)
		return
	}
	p.WatchQueue(q, schedules, shared)
}

// connect adds the queue to the web page.
func (p *page) connect(rdb *redis.Client, q *queue.Queue, shared *budget.Budget, values []config.Value) {
	if p.pages == nil {
		return
	}
	b := webpage.Backend{Queue: q, Schedules: schedule.NewStore(q), Sessions: session.New(rdb)}
	if shared != nil {
		b.Budgets = shared
	}
	for _, v := range values {
		b.Settings = append(b.Settings, webpage.Setting(v))
	}
	p.pages.Connect(b)
}

// watchKeeper adds to the page whether the queue has what this worker has published.
func (p *page) watchKeeper(k *keep.Keeper) {
	p.Watch("schedules", k.Check)
	p.WatchSchedules(func() web.KeptSchedules { return web.KeptSchedules(k.Status()) })
}

// watchServer adds problems with Redis's settings to the page.
func (p *page) watchServer(s *redisServer) {
	p.Advise(s.warnings)
	p.WatchRedis(s.kinds)
}

// untilDrained returns a context that ends with ctx, after the page shows that.
func (p *page) untilDrained(ctx context.Context) context.Context {
	told, tell := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		p.Drain()
		tell()
	})
	return told
}
