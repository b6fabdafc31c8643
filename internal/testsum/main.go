// Command testsum runs `go test` several times and prints a summary: failures with their output, skipped tests and
// why, the slowest tests, and how many passed. `make test` uses it.
//
//	testsum [-slowest N] -- -race ./... -- ./e2e    runs go test -race ./... and then go test ./e2e
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet("testsum", flag.ContinueOnError)
	slowest := flags.Int("slowest", 10, "how many of the slowest tests to list")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return 2
	}
	began := time.Now()
	sum := newSummary(os.Stdout)
	for _, args := range split(flags.Args()) {
		before := sum.count()
		switch err := goTest(ctx, sum, args); {
		case err != nil:
			sum.trouble(fmt.Sprintf("go test %q: %v", args, err))
		case sum.count() == before:
			sum.trouble(fmt.Sprintf("go test %q: no test ran", args))
		}
	}
	sum.print(*slowest, time.Since(began))
	if !sum.ok() {
		return 1
	}
	return 0
}

// split splits arguments at each "--".
func split(args []string) [][]string {
	runs := [][]string{nil}
	for _, arg := range args {
		if arg == "--" {
			runs = append(runs, nil)
			continue
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], arg)
	}
	return runs
}

// goTest runs go test once. It returns an error only if sum cannot know about the failure.
func goTest(ctx context.Context, sum *summary, args []string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = os.Stderr
	out, w := io.Pipe()
	cmd.Stdout = w
	read := make(chan error, 1)
	go func() { read <- sum.read(out) }()
	err := cmd.Run()
	_ = w.Close()
	if readErr := <-read; readErr != nil {
		return readErr
	}
	if sum.failed() {
		return nil
	}
	return err
}
