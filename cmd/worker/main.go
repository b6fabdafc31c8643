// Command worker runs Mixduck's jobs: it takes them from the queue, fetches days of events from Mixpanel and writes
// them to DuckDB files.
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
