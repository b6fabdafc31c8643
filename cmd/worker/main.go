// Command worker runs Mixduck's jobs: it takes them from the queue, fetches days of events from Mixpanel and writes
// them to DuckDB files.
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
	logging.Disable() // go-redis would write to stderr what is logged anyway
	return run(ctx, &cli.Process{
		Name: os.Args[0], Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}
