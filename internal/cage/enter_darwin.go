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

// sandbox is the program of macOS that starts others with fewer rights.
const sandbox = "/usr/bin/sandbox-exec"

const (
	memoryIsLimited = false // macOS takes RLIMIT_AS, and does not keep it

	noMemoryLimit = "memory is limited only by DuckDB: macOS has no limit for a process"
	noSandbox     = "files are not protected: " + sandbox + " does not work here"
)

// Enter locks the calling process in as well as macOS can: it can write only to the files of cfg, read no files of people
// but these, start no program and open no socket, and it dies with its parent. A write beyond cfg.FileBytes fails with
// [syscall.EFBIG], one that nobody reads with [syscall.EPIPE]. The report names what does not hold.
//
// The program is started anew on the way, in the same process, by sandbox-exec. So Enter has to be called before anything is
// done that must not be done twice, and what was read from standard input has to be wound back.
func Enter(cfg Config) (Report, error) {
	_, again := syscall.Getenv(marker)
	works := again || sandboxWorks()
	if works && !again {
		return nil, startAnew(cfg)
	}
	signal.Ignore(syscall.SIGXFSZ, syscall.SIGPIPE) // a write that is too long, or that nobody reads, fails and does no more
	if err := setLimits(cfg, 0); err != nil {
		return nil, err
	}
	if err := dieWithParent(); err != nil {
		return nil, fmt.Errorf("set up the end with the parent: %w", err)
	}
	return lacking(works), nil
}

// Lacking says which protections this system cannot give, as the report of [Enter] does, without entering.
func Lacking() Report { return lacking(sandboxWorks()) }

func lacking(sandboxed bool) Report {
	report := Report{noMemoryLimit}
	if !sandboxed {
		report = append(report, noSandbox)
	}
	return report
}

// sandboxWorks tries the sandbox: it is not there on all versions, and a process in a sandbox cannot start another one.
func sandboxWorks() bool {
	return exec.Command(sandbox, "-p", "(version 1)(allow default)", "/usr/bin/true").Run() == nil //nolint:noctx // a moment
}

// startAnew starts the program anew in a sandbox. It returns only if that fails.
func startAnew(cfg Config) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{sandbox, "-p", profile(exe, cfg), exe}, os.Args[1:]...)                          //nolint:forbidigo // the same program again
	return fmt.Errorf("restart %s: %w", exe, syscall.Exec(sandbox, args, append(os.Environ(), marker+"=1"))) //nolint:gosec // the same program again
}

// dieWithParent ends this process as soon as the one that started it has ended.
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
		return err // ESRCH: it has ended already
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
