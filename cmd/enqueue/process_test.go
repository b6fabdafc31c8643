package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"mixduck/internal/cli"
	"mixduck/jobs"
)

func TestInterruptDetaches(t *testing.T) {
	t.Parallel()
	s := startService(t, t.TempDir(), t.Cleanup)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), self, "--data-dir", s.dir, "fetch", "events", "--from", "2025-01-01", "--where", "block", "--wait")
	command.Env = []string{asCommand + "=1", "MP_PROJECT_ID=12345"}
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	id := <-s.started
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	exit, ok := errors.AsType[*exec.ExitError](command.Wait())
	if !ok || exit.ExitCode() != 130 {
		t.Errorf("the command ended with %v, want exit code 130", exit)
	}
	for _, want := range []string{"error: interrupted; job " + id + " continues\n", "try: enqueue --data-dir " + s.dir + " jobs wait " + id + " to see it"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr = %q, want %q in it", stderr.String(), want)
		}
	}
	if stdout.Len() > 0 {
		t.Errorf("stdout = %q, want nothing", stdout.String())
	}
	s.release <- struct{}{}
	if err := awaitState(s.queue, id, jobs.StateDone); err != nil {
		t.Error(err)
	}
}

// errWriter is a stdout on which every write fails.
type errWriter struct{ err error }

func (w errWriter) Write([]byte) (int, error) { return 0, w.err }

func TestStdoutThatFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		err    error
		code   int
		stderr string
	}{
		{"a reader that has gone ends it quietly", &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, 0, ""},
		{"a full disk is an error", syscall.ENOSPC, 1, "error: write the result: no space left on device\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stderr strings.Builder
			code := run(t.Context(), &cli.Process{Args: []string{"version"}, Stdout: errWriter{tt.err}, Stderr: &stderr})
			if code != tt.code || stderr.String() != tt.stderr {
				t.Errorf("run() = %d, %q, want %d, %q", code, stderr.String(), tt.code, tt.stderr)
			}
		})
	}
}
