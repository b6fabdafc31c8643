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

// marker is the environment variable of a process that has been locked in.
const marker = "MIXDUCK_CAGED"

// Enter locks the calling process in, for good: besides the files of cfg it can use none, and it can start no program, open
// no socket, leave no core dump, and nobody can look into its memory. A write beyond cfg.FileBytes fails with [syscall.EFBIG].
//
// Where the kernel has Landlock the program is started anew on the way, in the same process: files are locked for a thread
// and those that it starts, and only a new program has no others. So Enter has to be called before anything is done
// that must not be done twice, and what was read from standard input has to be wound back.
func Enter(cfg Config) (Report, error) {
	if _, ok := syscall.Getenv(marker); !ok && landlockVersion() > 0 {
		return nil, startAnew(cfg)
	}
	signal.Ignore(syscall.SIGXFSZ) // else a write beyond FileBytes would end the process
	for _, l := range []struct {
		resource int
		value    int64
	}{
		{unix.RLIMIT_AS, cfg.AddressSpace},
		{unix.RLIMIT_FSIZE, cfg.FileBytes},
		{unix.RLIMIT_NOFILE, cfg.OpenFiles},
	} {
		if l.value > 0 {
			if err := setLimit(l.resource, uint64(l.value)); err != nil {
				return nil, err
			}
		}
	}
	if err := setLimit(unix.RLIMIT_CORE, 0); err != nil {
		return nil, err
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("dumpable: %w", err)
	}
	return append(filterCalls(), checkFiles()...), nil
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
	return fmt.Errorf("start %s anew: %w", exe, syscall.Exec(exe, args, append(os.Environ(), marker+"=1")))
}

// setLimit lowers a limit; one that is lower already stays.
func setLimit(resource int, value uint64) error {
	var old unix.Rlimit
	if err := unix.Getrlimit(resource, &old); err != nil {
		return fmt.Errorf("rlimit %d: %w", resource, err)
	}
	value = min(value, old.Max)
	if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value}); err != nil {
		return fmt.Errorf("rlimit %d: %w", resource, err)
	}
	return nil
}

// checkFiles tries whether files are locked.
func checkFiles() Report {
	root, err := os.Open("/") // which nobody would put into a Config
	if err == nil {
		root.Close()
	}
	switch {
	case !errors.Is(err, os.ErrPermission):
		return Report{"files are not protected by Landlock, which needs Linux 5.13 or later and has to be enabled"}
	case landlockVersion() < truncateVersion:
		return Report{"files are protected, but not from being truncated, which needs Linux 6.2 or later"}
	}
	return nil
}
