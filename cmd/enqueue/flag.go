package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/internal/fault"
)

// choice is the value of a flag that takes one of a few words.
type choice struct {
	value   string // the default, until it is set
	allowed []string
}

// Set takes s, if it is allowed.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("it takes %s", c.Type())
	}
	c.value = s
	return nil
}

func (c *choice) String() string { return c.value }

// Type returns what help shows as the flag's value.
func (c *choice) Type() string { return strings.Join(c.allowed, "|") }

const (
	formatText = "text"
	formatJSON = "json"
)

// addFormat adds --format.
func addFormat(flags *pflag.FlagSet) *choice {
	format := &choice{value: formatText, allowed: []string{formatText, formatJSON}}
	flags.Var(format, "format", "how the result is written to stdout")
	return format
}

// waitOptions are the flags of commands that wait for a job.
type waitOptions struct {
	timeout time.Duration // 0 waits for ever
	quiet   bool
	format  *choice
	self    string // how the command was called, for hints: with its data directory, if one was given
}

func (o *waitOptions) add(flags *pflag.FlagSet) {
	flags.DurationVar(&o.timeout, "timeout", 0, "stop waiting after so long, as 90s or 2h, with exit code 6; the job goes on")
	flags.BoolVar(&o.quiet, "quiet", false, "say nothing of progress on stderr")
	o.format = addFormat(flags)
}

// prepare refuses a time that is none, and one that is of no use.
func (o *waitOptions) prepare(c *cobra.Command, waits bool) error {
	o.self = c.Root().Name()
	if dir := c.Flag("data-dir"); dir.Changed {
		o.self += " --data-dir " + dir.Value.String()
	}
	switch {
	case !c.Flags().Changed("timeout"):
		return nil
	case o.timeout <= 0:
		return fault.Usage("--timeout 90s", "--timeout %s is no time to wait", o.timeout)
	case !waits:
		return fault.Usage("add --wait", "--timeout is for waiting")
	}
	return nil
}
