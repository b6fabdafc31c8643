// Command assets makes the parts of the page that other people have written: the editor for SQL and the plots of many points.
// It downloads the packages of web/page/bundle/package-lock.json, bundles them, and puts the result where the page embeds it:
// `go run ./tools/assets`. It needs no Node. npm_config_registry names another registry than npm's.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"mixduck/internal/npm"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	written, err := build(ctx, npm.FromEnvironment(), filepath.Join("web", "page", "bundle"), filepath.Join("web", "page", "static", "built"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		return 1
	}
	for _, name := range written {
		fmt.Fprintln(os.Stderr, name)
	}
	return 0
}
