package cage

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Enter locks the calling process in, for good: besides the files of cfg it can use none, and it can start no program, open
// no socket, leave no core dump, nobody can look into its memory, and it dies with its parent. A write beyond cfg.FileBytes fails with [syscall.EFBIG],
// one that nobody reads with [syscall.EPIPE].
//
// Where the kernel has Landlock the program is started anew on the way, in the same process: files are locked for a thread
// and those that it starts, and only a new program has no others. So Enter has to be called before anything is done
// that must not be done twice, and what was read from standard input has to be wound back.
func Enter(cfg Config) (Report, error) {
	if _, ok := syscall.Getenv(marker); !ok && landlockVersion() > 0 {
		return nil, startAnew(cfg)
	}
	signal.Ignore(syscall.SIGXFSZ, syscall.SIGPIPE) // a write that is too long, or that nobody reads, fails and does no more
	mapped, err := mappedBytes()
	if err != nil {
		return nil, err
	}
	if err := setLimits(cfg, mapped); err != nil {
		return nil, err
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("dumpable: %w", err)
	}
	report := checkFiles() // before the filter, which takes Landlock's own calls away
	return append(filterCalls(), report...), nil
}

// startAnew locks the files and starts the program anew. It returns only if that fails.
func startAnew(cfg Config) error {
	cmdline, err := os.ReadFile("/proc/self/cmdline")
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	args := strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00")
	runtime.LockOSThread()
	if err := restrict(exe, cfg); err != nil {
		return err // on a thread that may be good for nothing any more: the process has to end
	}
	// Start has asked for this, but for the first thread only, and this may be another.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("set up the end with the parent: %w", err)
	}
	return fmt.Errorf("restart %s: %w", exe, syscall.Exec(exe, args, append(os.Environ(), marker+"=1")))
}

const memoryIsLimited = true // by RLIMIT_AS

// mappedBytes is how much memory the process has mapped; a Go program begins with more than a gigabyte, of which it uses
// next to nothing.
func mappedBytes() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var pages int64
	_, err = fmt.Sscan(string(b), &pages)
	return pages * int64(os.Getpagesize()), err
}

// checkFiles tries whether files are locked.
func checkFiles() Report {
	root, err := os.Open("/") // which nobody would put into a Config
	if err == nil {
		root.Close()
	}
	if !errors.Is(err, os.ErrPermission) {
		return unlocked(0)
	}
	return unlocked(landlockVersion())
}

// Lacking says which protections this system cannot give, as the report of [Enter] does, without entering.
func Lacking() Report {
	report := unlocked(landlockVersion())
	if _, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err != nil {
		report = append(report, fmt.Sprintf("system calls are not filtered: %v", err))
	}
	return report
}

// unlocked says what a version of Landlock does not protect; 0 is none.
func unlocked(version int) Report {
	switch {
	case version == 0:
		return Report{"files are not protected: Landlock needs Linux 5.13 or later, and must be enabled"}
	case version < truncateVersion:
		return Report{"files are not protected from truncation: that needs Linux 6.2 or later"}
	}
	return nil
}
