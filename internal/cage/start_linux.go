package cage

import (
	"os/exec"
	"runtime"
	"syscall"
)

// Start starts cmd. It dies with this process, and is in a separate process group, so a terminal's signals do not
// reach it. The caller must call Wait. To end the child, use the context of [exec.CommandContext].
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
