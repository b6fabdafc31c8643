package cage

import (
	"os/exec"
	"syscall"
)

// Start starts cmd in a separate process group, so a terminal's signals do not reach it. The child ends with this
// process because [Enter] makes it watch for that. The caller must call Wait. To end the child, use the context of
// [exec.CommandContext].
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &Process{ended: make(chan error, 1)}
	if err := cmd.Start(); err != nil {
		return p, err
	}
	go func() { p.ended <- cmd.Wait() }()
	return p, nil
}
