// Command mp copies Mixpanel events into a DuckDB file and reads them, without a queue or a worker. During a fetch no
// other process can use the file; for recurring fetches, run a worker.
package main

import (
	"os"

	"mixduck/internal/cli"
)

func main() { os.Exit(realMain()) } // so that deferred calls run

func realMain() int {
	ctx, stop := cli.Signals()
	defer stop()
	return run(ctx, &cli.Process{
		Name: os.Args[0], Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}
