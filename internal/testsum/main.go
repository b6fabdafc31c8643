// Command testsum runs `go test` several times and prints a summary: failures with their output, skipped tests and
// why, the slowest tests, and how many passed. `make test` uses it.
//
//	testsum [-slowest N] [-at-once N] -- -race ./... -- ./e2e    runs go test -race ./... and go test ./e2e
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

	"golang.org/x/sync/errgroup"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet("testsum", flag.ContinueOnError)
	slowest := flags.Int("slowest", 10, "how many of the slowest tests to list")
	atOnce := flags.Int("at-once", 1, "how many runs of go test at the same time")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return 2
	}
	began := time.Now()
	sum := newSummary(os.Stdout)
	var runs errgroup.Group
	runs.SetLimit(max(1, *atOnce))
	for n, args := range split(flags.Args()) {
		runs.Go(func() error {
			switch ended, err := goTest(ctx, sum, n, args); {
			case err != nil:
				sum.trouble(fmt.Sprintf("go test %q: %v", args, err))
			case ended == 0:
				sum.trouble(fmt.Sprintf("go test %q: no test ran", args))
			}
			return nil
		})
	}
	_ = runs.Wait() // sum has the errors
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

// goTest runs go test once, as run number n, and returns how many tests ended. It returns an error only if sum cannot know
// that something has failed.
func goTest(ctx context.Context, sum *summary, n int, args []string) (ended int, err error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = os.Stderr
	out, w := io.Pipe()
	cmd.Stdout = w
	read := make(chan error, 1)
	go func() {
		var err error
		ended, err = sum.read(n, out)
		read <- err
	}()
	began := time.Now()
	err = cmd.Run()
	_ = w.Close()
	if readErr := <-read; readErr != nil {
		return ended, readErr
	}
	if p := cmd.ProcessState; p != nil {
		sum.used(args, time.Since(began), p.UserTime()+p.SystemTime())
	}
	if sum.failed() {
		return ended, nil
	}
	return ended, err
}
