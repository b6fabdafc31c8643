package e2e

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// result is the result of a command.
type result struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

// enqueue runs the command to its end.
func (s *site) enqueue(tb testing.TB, args ...string) result {
	tb.Helper()
	return command(tb, s.env, "enqueue", append(s.where(), args...)...)
}

// command runs any program to its end, with exactly the given environment.
func command(tb testing.TB, env []string, name string, args ...string) result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, &stderr
	if len(env) == 0 {
		cmd.Env = []string{"NOTHING="} // nil would mean that of the test
	}
	began := time.Now()
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok || ctx.Err() != nil {
		tb.Fatalf("%s %q: %v\n%s", name, args, errors.Join(err, ctx.Err()), &stderr)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began)}
}

// mustFail checks the exit code, and that stderr contains all texts, which say what is wrong and what to try.
func (r result) mustFail(tb testing.TB, code int, texts ...string) {
	tb.Helper()
	if r.code != code {
		tb.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, text := range append(texts, "error: ", "\ntry: ") {
		if !strings.Contains(r.stderr, text) {
			tb.Errorf("stderr has no %q", text)
		}
	}
	if tb.Failed() {
		tb.Logf("stderr: %s", r.stderr)
	}
}
