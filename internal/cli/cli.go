// Package cli holds what the commands share: how they are started, and how they say that something is wrong. It knows no
// command.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"mixduck/internal/fault"
)

// Process is what a command may touch of the process it runs in, so that tests can run it.
type Process struct {
	Name    string   // as it was started: a path, or "mixduck worker"
	Args    []string // without the program's name
	Environ []string // as os.Environ
	Stdin   io.Reader
	Stdout  io.Writer // results
	Stderr  io.Writer // everything else
}

// Signals returns a context that the first SIGINT or SIGTERM ends; the second ends the process. A reader of stdout that has
// gone is no reason to die: writing returns EPIPE then.
func Signals() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	first := make(chan os.Signal, 1)
	signal.Notify(first, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-first:
		case <-ctx.Done():
		}
		signal.Stop(first) // before anybody learns of the first: a second one is not to be missed
		cancel()
	}()
	return ctx, cancel
}

// Getenv looks a variable up.
func (p *Process) Getenv(name string) string {
	for _, kv := range p.Environ {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return ""
}

// Fail prints err with its hint and returns the exit code that goes with it, 0 for no error.
func Fail(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "error: %v\n", err)
	if hint := fault.HintOf(err); hint != "" {
		fmt.Fprintf(stderr, "try: %s\n", hint)
	}
	return fault.CodeOf(err).Exit()
}
