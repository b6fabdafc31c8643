package cage

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// sandbox is the macOS program that starts others with fewer rights.
const sandbox = "/usr/bin/sandbox-exec"

const (
	memoryIsLimited = false // macOS accepts RLIMIT_AS, but does not enforce it

	noMemoryLimit = "memory is limited only by DuckDB: macOS has no limit for a process"
	noSandbox     = "files are not protected: " + sandbox + " does not work here"
)

// Enter locks in the calling process as well as macOS can: it can write only to the files of cfg, read no other user
// files, start no program and open no socket, and it dies with its parent. A write beyond cfg.FileBytes fails with
// [syscall.EFBIG], a write without a reader with [syscall.EPIPE]. The report lists missing protections.
//
// Enter starts the program again in the same process, through sandbox-exec. So call it before doing anything that must
// not happen twice, and rewind standard input if it has been read.
func Enter(cfg Config) (Report, error) {
	_, again := syscall.Getenv(marker)
	works := again || sandboxWorks()
	if works && !again {
		return nil, startAnew(cfg)
	}
	signal.Ignore(syscall.SIGXFSZ, syscall.SIGPIPE) // too long writes, and writes without a reader, fail without a signal
	if err := setLimits(cfg, 0); err != nil {
		return nil, err
	}
	if err := dieWithParent(); err != nil {
		return nil, fmt.Errorf("set up the end with the parent: %w", err)
	}
	return lacking(works), nil
}

// Lacking returns the protections that this system does not have, like the report of [Enter], without entering.
func Lacking() Report { return lacking(sandboxWorks()) }

func lacking(sandboxed bool) Report {
	report := Report{noMemoryLimit}
	if !sandboxed {
		report = append(report, noSandbox)
	}
	return report
}

// sandboxWorks tries the sandbox: not all versions have it, and a process in a sandbox cannot start another one.
func sandboxWorks() bool {
	return exec.Command(sandbox, "-p", "(version 1)(allow default)", "/usr/bin/true").Run() == nil //nolint:noctx // a moment
}

// startAnew starts the program again in a sandbox. It returns only on failure.
func startAnew(cfg Config) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{sandbox, "-p", profile(exe, cfg), exe}, os.Args[1:]...)                          //nolint:forbidigo // the same program again
	return fmt.Errorf("restart %s: %w", exe, syscall.Exec(sandbox, args, append(os.Environ(), marker+"=1"))) //nolint:gosec // the same program again
}

// dieWithParent ends this process as soon as its parent has ended.
func dieWithParent() error {
	parent := os.Getppid()
	queue, err := unix.Kqueue()
	if err != nil {
		return err
	}
	unix.CloseOnExec(queue)
	change := make([]unix.Kevent_t, 1)
	unix.SetKevent(&change[0], parent, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	change[0].Fflags = unix.NOTE_EXIT
	if _, err := unix.Kevent(queue, change, nil, nil); err != nil {
		return err // ESRCH: it has already ended
	}
	if os.Getppid() != parent {
		return errors.New("it has ended")
	}
	go func() {
		for events := make([]unix.Kevent_t, 1); ; {
			if _, err := unix.Kevent(queue, nil, events, nil); !errors.Is(err, unix.EINTR) {
				_ = unix.Kill(unix.Getpid(), unix.SIGKILL)
			}
		}
	}()
	return nil
}
