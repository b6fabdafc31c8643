package cage

import (
	"os/exec"
	"runtime"
	"syscall"
)

// Start starts cmd so that it dies with this process, and in a process group of its own, so that the signals of a terminal
// do not reach it. The caller has to call Wait; ending the child is what the context of [exec.CommandContext] is for.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &Process{ended: make(chan error, 1)}
	began := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the kernel kills the child when the thread that started it ends
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		began <- err
		if err == nil {
			p.ended <- cmd.Wait()
		}
	}()
	return p, <-began
}
