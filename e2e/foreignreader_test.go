package e2e

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"testing"
)

// foreignReader is an external program that runs during the test and responds with lines.
type foreignReader struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// startReader starts a Python script with arguments. It ends with the test, if not before.
func startReader(tb testing.TB, program, script string, args ...string) *foreignReader {
	tb.Helper()
	r := &foreignReader{cmd: exec.Command(program, append([]string{"-c", script}, args...)...)}
	r.cmd.Stderr = os.Stderr
	stdin, err := r.cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	r.stdin, r.lines = stdin, bufio.NewScanner(stdout)
	r.lines.Buffer(nil, 64<<20)
	if err := r.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	})
	return r
}

// line returns the next line that the program prints.
func (r *foreignReader) line(tb testing.TB) string {
	tb.Helper()
	if !r.lines.Scan() {
		tb.Fatalf("the program ended: %v", r.lines.Err())
	}
	return r.lines.Text()
}

// ask sends an empty line and returns the next line that the program prints.
func (r *foreignReader) ask(tb testing.TB) string {
	tb.Helper()
	return r.askFor(tb, "")
}

// askFor sends a line and returns the next line that the program prints.
func (r *foreignReader) askFor(tb testing.TB, what string) string {
	tb.Helper()
	if _, err := r.stdin.Write([]byte(what + "\n")); err != nil {
		tb.Fatal(err)
	}
	return r.line(tb)
}
