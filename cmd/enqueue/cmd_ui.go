package main

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/internal/listen"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/web/session"
)

const uiLong = `Print a link that opens the page of a worker and logs you in, and open it in a
browser if there is one. The link works once, within a minute. Everybody who can
reach the queue can make such a link.`

const uiExample = `  enqueue ui
  enqueue ui --no-open
  enqueue ui --url https://mixduck.example.com`

// uiFlags are the flags of `enqueue ui`.
type uiFlags struct {
	url    string
	noOpen bool
}

func (a *app) uiCommand() *cobra.Command {
	c := &cobra.Command{Use: "ui", Short: "Open the page in a browser", Long: uiLong, Example: uiExample, Args: console.NoArguments}
	var f uiFlags
	c.Flags().StringVar(&f.url, "url", "", "`URL` of the page, for example of a proxy (default: that of a running worker)")
	c.Flags().BoolVar(&f.noOpen, "no-open", false, "only print the link")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
		if err != nil {
			return err
		}
		return connect.WithRedis(c.Context(), cfg, func(rdb *redis.Client) error { return a.ui(c.Context(), rdb, f) })
	}
	return c
}

func (a *app) ui(ctx context.Context, rdb *redis.Client, f uiFlags) error {
	address := f.url
	if address == "" {
		q, err := queue.New(rdb, queue.Config{})
		if err != nil {
			return err
		}
		workers, err := q.Workers(ctx)
		if err != nil {
			return err
		}
		if address, err = pageOf(ctx, workers); err != nil {
			return err
		}
	}
	link, err := url.Parse(address)
	if err != nil || link.Scheme != "http" && link.Scheme != "https" || link.Host == "" {
		return fault.Usage("--url https://mixduck.example.com", "%q is not a URL", address)
	}
	code, err := session.New(rdb).NewCode(ctx)
	if err != nil {
		return err
	}
	link = link.JoinPath("login")
	link.Fragment = code
	if err := a.Print(link.String() + "\n"); err != nil {
		return err
	}
	if _, terminal := console.TerminalWidth(a.Process.Stdout); terminal && !f.noOpen {
		openBrowser(ctx, a.Process.Environ, link.String())
	}
	return nil
}

// pageOf returns the URL of the page of a worker: one on this machine if there is one.
func pageOf(ctx context.Context, workers []jobs.WorkerInfo) (string, error) {
	host, _ := os.Hostname()
	var found jobs.WorkerInfo
	for _, w := range workers {
		if w.HTTP != "" && (found.HTTP == "" || w.Host == host && found.Host != host) {
			found = w
		}
	}
	if found.HTTP == "" {
		return "", fault.New(fault.CodeNotFound, "start a worker, or set its http.listen", "no running worker has a page")
	}
	at := listen.Local(found.HTTP)
	path, answered := pagePath(ctx, at)
	if answered && path == "" {
		return "", fault.New(fault.CodeNotFound, "set http.page to read or full", "the worker at %s has no page", at)
	}
	return "http://" + at + cmp.Or(path, "/"), nil
}

// pagePath asks a worker for the path of its page. It returns false if the worker does not answer: it can be in a container
// whose port is published elsewhere.
func pagePath(ctx context.Context, address string) (path string, answered bool) {
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthz", http.NoBody)
	if err != nil {
		return "", false
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy
	resp, err := client.Do(req)
	if err != nil {
		return "", false
	}
	_ = resp.Body.Close()
	return resp.Header.Get("Mixduck-Page"), resp.StatusCode == http.StatusOK
}

// openBrowser tries to open a link. It ignores failures, because the link was printed.
func openBrowser(ctx context.Context, environ []string, link string) {
	command := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open"}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler"}
	case "linux":
		if !slices.ContainsFunc(environ, func(v string) bool {
			return strings.HasPrefix(v, "DISPLAY=") || strings.HasPrefix(v, "WAYLAND_DISPLAY=")
		}) {
			return
		}
	}
	_ = exec.CommandContext(ctx, command[0], append(command[1:], strings.TrimSpace(link))...).Start()
}
