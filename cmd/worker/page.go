package main

import (
	"context"
	"path/filepath"

	"mixduck/config"
	"mixduck/internal/buildinfo"
	"mixduck/web"
)

// page is what the worker tells of itself over HTTP.
type page struct {
	*web.Health
	*web.Metrics
	server *web.Server
}

// webConfig returns the settings of the page.
func webConfig(cfg config.HTTP) web.Config {
	return web.Config{Listen: cfg.Listen, Token: cfg.Token, Pprof: cfg.Pprof}
}

// openPage serves the page of a worker that starts.
func (d *daemon) openPage(ctx context.Context) (*page, error) {
	health := web.NewHealth()
	p := &page{Health: health, Metrics: web.NewMetrics(buildinfo.Version(), health)}
	p.Watch("data_dir", web.CheckWritable(filepath.Join(d.cfg.DataDir, ".mixduck")))
	for _, v := range d.cfg.Volumes {
		p.Watch("volume "+v.Name, web.CheckWritable(filepath.Join(v.Dir, ".mixduck")))
		p.Watch("space "+v.Name, web.CheckRoom(v.Dir))
	}
	var err error
	p.server, err = web.Serve(ctx, webConfig(d.cfg.HTTP), health, p.Metrics, d.log)
	return p, err
}

// untilDrained returns a context that ends with ctx, once the page says so.
func (p *page) untilDrained(ctx context.Context) context.Context {
	told, tell := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		p.Drain()
		tell()
	})
	return told
}
