package proctest

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

// Process is a program that runs beside the test.
type Process struct {
	name   string
	cmd    *exec.Cmd
	output *transcript   // nil if it writes to log
	log    string        // path of the file it writes to, if any
	ended  chan struct{} // closed after its end
}

// Start runs a program with exactly the given environment (nil for that of the test) and keeps its output. The process
// is killed when the test ends, and its last output is shown if the test has failed.
func Start(tb testing.TB, env []string, name string, args ...string) *Process {
	tb.Helper()
	p := &Process{name: name, cmd: exec.Command(name, args...), output: newTranscript(), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.launch(tb, env)
	return p
}

// StartWithLog is Start for a process whose output is appended to a file. Several processes can share the file, so it
// is not shown if the test fails.
func StartWithLog(tb testing.TB, env []string, log, name string, args ...string) *Process {
	tb.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer out.Close() // the process has its own descriptor
	p := &Process{name: name, cmd: exec.Command(name, args...), log: log, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.launch(tb, env)
	return p
}

func (p *Process) launch(tb testing.TB, env []string) {
	tb.Helper()
	p.cmd.Env = env
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // ProcessState has the result
	}()
	tb.Cleanup(func() {
		p.Kill()
		if tb.Failed() && p.output != nil {
			tb.Logf("the output of %s %d:\n%s", p.name, p.PID(), Tail(p.Said()))
		}
	})
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Said returns everything that the process has written so far.
func (p *Process) Said() string {
	if p.output != nil {
		text, _ := p.output.read()
		return text
	}
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Signal sends a signal.
func (p *Process) Signal(tb testing.TB, s os.Signal) {
	tb.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		tb.Fatalf("signal %s to %s: %v", s, p.name, err)
	}
}

// Freeze stops the process, as if the machine were suspended, and returns when all its threads have stopped.
func (p *Process) Freeze(tb testing.TB) {
	tb.Helper()
	p.Signal(tb, syscall.SIGSTOP)
	Eventually(tb, "each thread of "+p.name+" has stopped", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.PID()))
		if err != nil || len(threads) == 0 {
			tb.Fatalf("the threads of %s are unknown: %v", p.name, err)
		}
		return !slices.ContainsFunc(threads, func(name string) bool {
			stat, err := os.ReadFile(name)
			return err == nil && !bytes.Contains(stat, []byte(") T "))
		})
	})
}

// Thaw lets a frozen process continue.
func (p *Process) Thaw(tb testing.TB) {
	tb.Helper()
	p.Signal(tb, syscall.SIGCONT)
}

// Kill ends the process like kill -9, if it still runs, and waits for its end.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// KillAfter kills the process after a while and reports whether it was still running.
func (p *Process) KillAfter(d time.Duration) bool {
	moment := time.NewTimer(d)
	defer moment.Stop()
	select {
	case <-moment.C:
		p.Kill()
		status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		return ok && status.Signaled()
	case <-p.ended:
		return false
	}
}

// Terminate asks the process to end and waits for it. Any exit code except 0 fails the test.
func (p *Process) Terminate(tb testing.TB) {
	tb.Helper()
	p.Signal(tb, syscall.SIGTERM)
	if code := p.ExitCode(tb); code != 0 {
		tb.Errorf("%s: exit code %d after SIGTERM\n%s", p.name, code, Tail(p.Said()))
	}
}

// HasEnded reports whether the process is gone.
func (p *Process) HasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// WaitFor waits until text is in what the process has written. It needs a process from Start.
func (p *Process) WaitFor(tb testing.TB, text string) {
	tb.Helper()
	late := time.NewTimer(Patience)
	defer late.Stop()
	for {
		said, more := p.output.read()
		if strings.Contains(said, text) {
			return
		}
		select {
		case <-more:
		case <-p.ended:
			if !strings.Contains(p.Said(), text) {
				tb.Fatalf("%s ended (%s) without saying %q", p.name, p.cmd.ProcessState, text)
			}
			return
		case <-late.C:
			tb.Fatalf("not within %s: %s says %q", Patience, p.name, text)
		}
	}
}

// ExitCode waits for the end and returns the exit code, -1 if a signal was the cause.
func (p *Process) ExitCode(tb testing.TB) int {
	tb.Helper()
	Await(tb, "the end of "+p.name, p.ended)
	return p.cmd.ProcessState.ExitCode()
}
