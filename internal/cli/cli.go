// Package cli contains what all commands share: how they start, and how they report errors. It knows no command.
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

// Process is the interface of a command to its process, so that tests can run it.
type Process struct {
	Name    string   // as started: a path, or "mixduck worker"
	Args    []string // without the program's name
	Environ []string // as from os.Environ
	Stdin   io.Reader
	Stdout  io.Writer // results
	Stderr  io.Writer // everything else
}

// signals returns a context that ends at the first SIGINT or SIGTERM. The second one ends the process. If the reader
// of stdout is gone, writing returns EPIPE instead of ending the process.
func signals() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	first := make(chan os.Signal, 1)
	signal.Notify(first, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-first:
		case <-ctx.Done():
		}
		signal.Stop(first) // before the context ends, so that a second signal is not missed
		cancel()
	}()
	return ctx, cancel
}

// Getenv returns the value of a variable.
func (p *Process) Getenv(name string) string {
	for _, kv := range p.Environ {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return ""
}

// Fail prints err with its hint and returns its exit code, 0 for no error.
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
