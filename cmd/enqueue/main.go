// Command enqueue is the queue's command line: it asks for fetches, and shows, awaits and cancels jobs. It links no
// DuckDB and touches no database.
package main

import (
	"os"

	"github.com/redis/go-redis/v9/logging"

	"mixduck/internal/cli"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	logging.Disable() // go-redis would write to stderr what its errors say anyway
	ctx, stop := cli.Signals()
	defer stop()
	return run(ctx, &cli.Process{
		Name: os.Args[0], Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}
