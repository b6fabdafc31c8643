// Command enqueue is the command line of the queue: it submits fetches, and shows, waits for and cancels jobs. It does
// not link DuckDB or open databases.
package main

import (
	"os"

	"github.com/redis/go-redis/v9/logging"

	"mixduck/internal/cli"
)

func main() {
	logging.Disable() // go-redis would write to stderr what is reported anyway
	os.Exit(cli.Main(run))
}
