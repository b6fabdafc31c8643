// Command lake publishes committed days as Apache Iceberg tables. It is a worker for jobs of this kind alone, and the
// only program that links the libraries for it.
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
