package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"mixduck/internal/secret"
	"mixduck/web"
)

// page is a server with what it serves.
type page struct {
	health  *web.Health
	metrics *web.Metrics
	server  *web.Server
}

// serve serves pages with cfg until the test ends; without an address, it uses a free one.
func serve(tb testing.TB, cfg web.Config) *page {
	tb.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	p := &page{health: web.NewHealth()}
	p.metrics = web.NewMetrics("v1.2.3", map[string]string{"2": "shop"}, p.health)
	var err error
	if p.server, err = web.Serve(tb.Context(), cfg, p.health, p.metrics, slog.New(slog.DiscardHandler)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.server.Close)
	return p
}

// address returns host:port of the pages.
func (p *page) address() string { return p.server.Addr().String() }

// get requests a path, with a token if it is not empty, and returns status and body.
func (p *page) get(tb testing.TB, path, token string) (int, string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, "http://"+p.address()+path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	return answer(tb, req)
}

func answer(tb testing.TB, req *http.Request) (int, string) {
	tb.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func token(s string) web.Config { return web.Config{Token: secret.New(s)} }

// form is a web page with a form.
type form struct{}

func (form) Routes(handle func(pattern string, h http.Handler)) {
	handle("POST /form", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}))
	handle("GET /form", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

func (form) Path() string { return "/form" }

func (form) Close() {}
