// Command assets makes the parts of the page that other people have written: the editor for SQL and the plots of many points.
// It downloads the packages of web/page/bundle/package-lock.json, bundles them, and puts the result where the page embeds it:
// `go run ./tools/assets`. It needs no Node. npm_config_registry names another registry than npm's.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"mixduck/internal/npm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cache, _ := os.UserCacheDir() // without one, nothing is kept
	if cache != "" {
		cache = filepath.Join(cache, "mixduck", "npm")
	}
	registry := npm.Registry{URL: cmp.Or(os.Getenv("npm_config_registry"), os.Getenv("NPM_CONFIG_REGISTRY")), Cache: cache}
	written, err := build(ctx, registry, filepath.Join("web", "page", "bundle"), filepath.Join("web", "page", "static", "built"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
	for _, name := range written {
		fmt.Fprintln(os.Stderr, name)
	}
}
