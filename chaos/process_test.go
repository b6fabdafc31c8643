package chaos

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// process is a program that runs beside the test, and writes into a file.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string        // the file's path
	ended chan struct{} // closed after its end
}

// start runs a program with exactly that environment. What it writes is added to the file log. It is killed when the test
// ends.
func start(tb testing.TB, env []string, log, name string, args ...string) *process {
	tb.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer out.Close() // the process has its own
	p := &process{name: name, cmd: exec.Command(name, args...), log: log, ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, out, out
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the state of the process tells
	}()
	tb.Cleanup(p.kill)
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(tb testing.TB, s os.Signal) {
	tb.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		tb.Fatalf("signal %s to %s: %v", s, p.name, err)
	}
}

// kill ends the process as kill -9 does, if it has not ended, and waits for that.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// terminate asks the process to end, and waits until it has done so in good order.
func (p *process) terminate(tb testing.TB) {
	tb.Helper()
	p.signal(tb, syscall.SIGTERM)
	await(tb, "the end of "+p.name, p.ended)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		tb.Errorf("%s: exit code %d after SIGTERM\n%s", p.name, code, tail(p.log))
	}
}

// freeze stops the process, as suspending the machine does, until it is thawed.
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

func (p *process) thaw(tb testing.TB) {
	tb.Helper()
	p.signal(tb, syscall.SIGCONT)
}

// tail returns the end of a file.
func tail(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	const most = 3000
	return string(text[max(0, len(text)-most):])
}
