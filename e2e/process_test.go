package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a program that runs beside the test.
type process struct {
	name   string
	cmd    *exec.Cmd
	output *transcript
	ended  chan struct{} // closed after its end
}

// start runs a program with exactly that environment. It is killed when the test ends, and its output shown if the test
// has failed.
func start(tb testing.TB, env []string, name string, args ...string) *process {
	tb.Helper()
	p := &process{name: name, cmd: exec.Command(name, args...), output: newTranscript(), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, p.output, p.output
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the state of the process tells
	}()
	tb.Cleanup(func() {
		p.kill()
		if tb.Failed() {
			tb.Logf("the output of %s %d:\n%s", name, p.pid(), p.output.tail())
		}
	})
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(tb testing.TB, s os.Signal) {
	tb.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		tb.Fatalf("signal %s to %s: %v", s, p.name, err)
	}
}

// freeze stops the process, as suspending the machine does, until it gets a SIGCONT.
func (p *process) freeze(tb testing.TB) {
	tb.Helper()
	p.signal(tb, syscall.SIGSTOP)
	eventually(tb, "each thread of "+p.name+" has stopped", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.pid()))
		if err != nil || len(threads) == 0 {
			tb.Fatalf("the threads of %s are not known: %v", p.name, err)
		}
		return !slices.ContainsFunc(threads, func(name string) bool {
			stat, err := os.ReadFile(name)
			return err == nil && !bytes.Contains(stat, []byte(") T "))
		})
	})
}

// kill ends the process as kill -9 does, if it has not ended, and waits for that.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// killAfter kills the process after a while, and reports whether it was still there.
func (p *process) killAfter(d time.Duration) bool {
	moment := time.NewTimer(d)
	defer moment.Stop()
	select {
	case <-moment.C:
		p.kill()
		status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		return ok && status.Signaled()
	case <-p.ended:
		return false
	}
}

// waitFor waits until text is in the output.
func (p *process) waitFor(tb testing.TB, text string) {
	tb.Helper()
	late := time.After(patience)
	for {
		so, more := p.output.read()
		if strings.Contains(so, text) {
			return
		}
		select {
		case <-more:
		case <-p.ended:
			if so, _ := p.output.read(); !strings.Contains(so, text) {
				tb.Fatalf("%s ended (%s) without saying %q", p.name, p.cmd.ProcessState, text)
			}
			return
		case <-late:
			tb.Fatalf("waited %s in vain for %s to say %q", patience, p.name, text)
		}
	}
}

// exitCode waits for the end and returns the exit code, -1 if a signal was the end.
func (p *process) exitCode(tb testing.TB) int {
	tb.Helper()
	await(tb, "the end of "+p.name, p.ended)
	return p.cmd.ProcessState.ExitCode()
}
