// Command mp copies Mixpanel events into a DuckDB file and reads them, without a queue or a worker. During a fetch no
// other process can use the file; for recurring fetches, run a worker.
package main

import (
	"os"

	"mixduck/internal/cli"
)

func main() { os.Exit(cli.Main(run)) }
