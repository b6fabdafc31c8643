package cli

import (
	"context"
	"os"
)

// Main runs a command in this process until the first signal, and returns its exit code.
func Main(run func(context.Context, *Process) int) int {
	ctx, stop := signals()
	defer stop()
	return run(ctx, &Process{
		Name: os.Args[0], Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}
