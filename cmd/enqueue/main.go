// Command enqueue is the command line of the queue: it submits fetches, and shows, waits for and cancels jobs. It does
// not link DuckDB or open databases.
package main

import (
	"os"

	"github.com/redis/go-redis/v9/logging"

	"mixduck/internal/cli"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	logging.Disable() // go-redis would write what its errors already say to stderr
	ctx, stop := cli.Signals()
	defer stop()
	return run(ctx, &cli.Process{
		Name: os.Args[0], Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}
