package cage

import (
	"os/exec"
	"syscall"
)

// Start starts cmd in a process group of its own, so that the signals of a terminal do not reach it. The child ends with this
// process because [Enter] watches for that. The caller has to call Wait; ending the child is what the context of
// [exec.CommandContext] is for.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &Process{ended: make(chan error, 1)}
	if err := cmd.Start(); err != nil {
		return p, err
	}
	go func() { p.ended <- cmd.Wait() }()
	return p, nil
}
