package main

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/cmd/internal/console"
	"mixduck/internal/fault"
)

// waitOptions are the flags of commands that wait for a job.
type waitOptions struct {
	timeout time.Duration // for all jobs together; 0 waits forever
	until   time.Time     // end of timeout; zero before the first job
	quiet   bool
	format  *console.Choice
	several bool   // several jobs: print each result with its ID
	self    string // how the command was called, for hints; includes the data directory, if given
}

func (o *waitOptions) add(flags *pflag.FlagSet) {
	flags.DurationVar(&o.timeout, "timeout", 0, "stop waiting after this `duration`, with exit code 6; the job continues")
	flags.BoolVar(&o.quiet, "quiet", false, "do not print progress")
	o.format = console.AddFormat(flags)
}

// prepare rejects invalid timeouts, and timeouts that have no effect.
func (o *waitOptions) prepare(c *cobra.Command, waits bool) error {
	o.self = c.Root().CommandPath()
	if dir := c.Flag("data-dir"); dir.Changed {
		o.self += " --data-dir " + dir.Value.String()
	}
	switch {
	case !c.Flags().Changed("timeout"):
		return nil
	case o.timeout <= 0:
		return fault.Usage("--timeout 90s", "--timeout must be positive, got %s", o.timeout)
	case !waits:
		return fault.Usage("add --wait", "--timeout only works with --wait")
	}
	return nil
}
