package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/cli"
)

// run executes the command line of p and returns the exit code.
func run(ctx context.Context, p *cli.Process) int {
	a := &console.App{Process: p, Now: time.Now}
	root := console.Group("lake", "Publish stored days as Apache Iceberg tables", runCommand(p), console.VersionCommand("lake"))
	root.Example = "  lake run --data-dir ~/.mp/data"
	return a.Run(ctx, root)
}

const runLong = `Run the jobs of 'enqueue publish' until stopped: copy stored days into Iceberg tables
that Spark, Trino, DuckDB, ClickHouse, pandas and others can read.

It needs the same configuration and volumes as the worker, and a running queue. After
the first SIGTERM or SIGINT, it finishes the batch of days in progress. The second
signal ends it at once. Neither loses or doubles a row.`

func runCommand(p *cli.Process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "run", Short: "Run jobs that publish until stopped", Long: runLong, Args: console.NoArguments,
		Example: `  export MIXDUCK_LAKE_CATALOG=sqlite:/data/lake/catalog.db
  export MIXDUCK_LAKE_WAREHOUSE=file:///data/lake/warehouse
  lake run --data-dir ~/.mp/data
  lake run --config /etc/mixduck/mixduck.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.LoadClient(p.Environ, cmd.Flags()) // it needs no credentials of projects
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, console.Logger(cfg.Log, p.Stderr))
		},
	}
	config.Flags(cmd.Flags(), "config", "data_dir", "volumes", "redis.url", "redis.ca_file", "worker.drain_timeout", "worker.retry_backoff",
		"worker.memory_limit", "worker.lock_wait", "retention.jobs", "lake.catalog", "lake.warehouse", "lake.retention", "log.level", "log.format")
	return cmd
}
