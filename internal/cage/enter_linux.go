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

// Enter permanently locks in the calling process: it can use only the files of cfg, start no program, open no socket
// and leave no core dump, no other process can read its memory, and it dies with its parent. A write beyond
// cfg.FileBytes fails with [syscall.EFBIG], a write without a reader with [syscall.EPIPE].
//
// If the kernel has Landlock, Enter starts the program again in the same process: Landlock restricts a thread and the
// threads it starts, and only a new program has no others. So call Enter before doing anything that must not happen
// twice, and rewind standard input if it has been read.
func Enter(cfg Config) (Report, error) {
	if _, ok := syscall.Getenv(marker); !ok && landlockVersion() > 0 {
		return nil, startAnew(cfg)
	}
	signal.Ignore(syscall.SIGXFSZ, syscall.SIGPIPE) // too long writes, and writes without a reader, fail without a signal
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
	report := checkFiles() // before the filter, which forbids Landlock's own calls
	return append(filterCalls(), report...), nil
}

// startAnew locks the files and starts the program again. It returns only on failure.
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
		return err // the thread may be unusable now, so the process has to end
	}
	// Start has requested this, but only for the first thread, and this may be another.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("set up the end with the parent: %w", err)
	}
	return fmt.Errorf("restart %s: %w", exe, syscall.Exec(exe, args, append(os.Environ(), marker+"=1")))
}

const memoryIsLimited = true // by RLIMIT_AS

// mappedBytes returns how much memory the process has mapped. A Go program starts with more than a gigabyte, of which
// it uses very little.
func mappedBytes() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var pages int64
	_, err = fmt.Sscan(string(b), &pages)
	return pages * int64(os.Getpagesize()), err
}

// checkFiles checks whether files are locked.
func checkFiles() Report {
	root, err := os.Open("/") // never part of a Config
	if err == nil {
		root.Close()
	}
	if !errors.Is(err, os.ErrPermission) {
		return unlocked(0)
	}
	return unlocked(landlockVersion())
}

// Lacking returns the protections that this system does not have, like the report of [Enter], without entering.
func Lacking() Report {
	report := unlocked(landlockVersion())
	if _, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err != nil {
		report = append(report, fmt.Sprintf("system calls are not filtered: %v", err))
	}
	return report
}

// unlocked returns what a version of Landlock does not protect; 0 means no Landlock.
func unlocked(version int) Report {
	switch {
	case version == 0:
		return Report{"files are not protected: Landlock needs Linux 5.13 or later, and must be enabled"}
	case version < truncateVersion:
		return Report{"files are not protected from truncation: that needs Linux 6.2 or later"}
	}
	return nil
}
