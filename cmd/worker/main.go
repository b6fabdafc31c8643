// Command worker runs Mixduck's jobs: it takes them from the queue, copies days of events from Mixpanel and writes them
// into DuckDB files.
package main

import (
	"os"

	"github.com/redis/go-redis/v9/logging"

	"mixduck/internal/cli"
)

func main() { os.Exit(realMain()) } // so that deferred calls run

func realMain() int {
	ctx, stop := cli.Signals()
	defer stop()
	logging.Disable() // go-redis would write to stderr what our own log says
	return run(ctx, &cli.Process{
		Name: os.Args[0], Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}
