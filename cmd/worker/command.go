package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/cli"
	"mixduck/storage/query"
	"mixduck/storage/snapshot"
)

// run executes the command line of p and returns the exit code.
func run(ctx context.Context, p *cli.Process) int {
	if slices.Equal(p.Args, []string{queryChild}) {
		return query.Child(ctx, p.Stdin, p.Stdout, p.Stderr)
	}
	if slices.Equal(p.Args, []string{snapshotChild}) {
		return snapshot.Child(ctx, p.Stdin, p.Stdout)
	}
	a := &console.App{Process: p, Now: time.Now}
	root := console.Group("worker", "Run the jobs that keep DuckDB copies of Mixpanel projects fresh",
		runCommand(p), validateCommand(p), backupCommand(p), compactCommand(p), healthcheckCommand(p), demoCommand(p), console.VersionCommand("worker"))
	root.Example = "  worker demo\n  worker run --data-dir ~/.mp/data"
	return a.Run(ctx, root)
}

// runSettings are the settings of `worker run` that have flags.
var runSettings = []string{
	"config", "data_dir", "volumes", "redis.url", "redis.ca_file", "redis.allow_eviction", "mixpanel.base_url", "mixpanel.requests_per_hour", "mixpanel.first_byte_timeout", "mixpanel.idle_timeout",
	"worker.concurrency", "worker.drain_timeout", "worker.retry_backoff", "worker.memory_limit", "worker.lock_wait",
	"query.concurrency", "query.memory_limit", "query.max_result", "query.timeout", "retention.jobs", "retention.results",
	"http.listen", "http.hosts", "http.pprof", "flight.listen", "flight.cert_file", "flight.key_file", "lake.catalog", "lake.warehouse", "lake.publish", "log.level", "log.format",
}

func runCommand(p *cli.Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run jobs until stopped",
		Long: `Run jobs until stopped. After the first SIGTERM or SIGINT, the worker finishes
the load that is in progress and returns its jobs to the queue. The second signal
ends it at once. Neither loses a job.

Credentials of the service account come from the environment: MP_USERNAME and
MP_SECRET (or MP_SECRET_FILE).`,
		Example: `  export MP_USERNAME=… MP_SECRET=… MP_PROJECT_ID=12345 MP_REGION=us
  worker run --data-dir ~/.mp/data
  worker run --data-dir ~/.mp/data --redis-url redis://localhost:6379`,
		Args: console.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(p.Environ, cmd.Flags())
			if err != nil {
				return err
			}
			d, err := newDaemon(cfg, time.Now(), console.Logger(cfg.Log, p.Stderr))
			if err != nil {
				return err
			}
			return d.run(cmd.Context())
		},
	}
	config.Flags(cmd.Flags(), runSettings...)
	return cmd
}
