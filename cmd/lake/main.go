// Command lake publishes committed days as Apache Iceberg tables. It is a worker for jobs of this kind alone, and the
// only program that links the libraries for it.
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
